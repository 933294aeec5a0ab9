"""The rules of stock: frozen records and pure functions. Imports no other room; time and ids are arguments."""
