"""One module per sales platform behind one small protocol; the only room that speaks to them."""
