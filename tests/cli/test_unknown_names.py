"""A name that nobody knows is wrong usage, whatever is asked about it: exit code 2, and one sentence that says so."""

import pytest

from onhand.ledger.database import Pool
from tests.cli.conftest import Onhand


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("transfers receive T-9", "there is no transfer T-9"),
        ("transfers close T-9", "there is no transfer T-9"),
        ("count show 9", "there is no count sheet 9; see onhand count list --all"),
        ("count enter 9 A 5", "there is no count sheet 9"),
        ("count approve 9 A", "there is no count sheet 9"),
        ("count close 9", "there is no count sheet 9"),
        ("kits set X A=2", "there is no SKU 'X'"),
        ("kits set A X=2", "there is no SKU 'X'"),
        ("kits remove X", "there is no SKU 'X'"),
        ("campaign end A X", "there is no SKU 'X'"),
        ("returns inspect X 1 --as sellable -l leeds", "there is no SKU 'X'"),
        ("spikes list --sku X", "there is no SKU 'X'"),
        ("purchase-orders list --sku X", "there is no SKU 'X'"),
        ("purchase-orders list --supplier Nil", "there is no supplier 'Nil'"),
        ("purchase-orders due PO-9 2030-01-01", "there is no purchase order 'PO-9'"),
        ("reorder propose --supplier Nil", "there is no supplier 'Nil'"),
        ("reorder export --supplier Nil", "there is no supplier 'Nil'"),
        ("events show 99", "there is no event 99"),
        ("events reverse 99", "there is no event 99"),
    ],
)
async def test_a_name_that_nobody_knows(store: Pool, onhand: Onhand, words: str, said: str) -> None:
    answer = await onhand(*words.split())
    assert (answer.code, said in " ".join(answer.stderr.split())) == (2, True), answer
