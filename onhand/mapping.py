"""Discovery: find out which item of a channel is which of our SKUs, and what could not be told.

An item is our SKU when its SKU text says so, or else when exactly one of our SKUs has its barcode. What
an operator stated by a mapping file stands. Where text and barcode disagree, or two items claim one
SKU, nothing is guessed: it is listed, with what to do.

One page of the channel is held at a time. Found listings are saved as they come and become active when
the whole channel was seen (see `onhand.ledger.mapping`); what could not be mapped is kept in the list of
refused rows under `problems_key`, so that `mapping check` can show it without asking the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from onhand.channels.base import Channel, RemoteItem
from onhand.ledger import catalogue, mapping
from onhand.ledger.catalogue import NewListing, RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.mapping import KnownItem, Losses

PROBLEMS_KEPT_MAX = 10_000
"""Items of a discovery that are listed as not mapped; beyond that they are counted only."""
LOSS_FREE = 20
"""Listings that may vanish from a channel between two discoveries without anyone being asked."""
LOSS_SHARE_MAX = 0.5
"""Share of a channel's listings beyond which their absence is taken for the channel's fault, not a fact."""


class MappingProblem(StrEnum):
    """Why an item of a channel was not mapped."""

    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    UNWRITABLE = "unwritable"


ADVICE = {
    MappingProblem.UNKNOWN: "Give it one of our SKUs on the channel, import that SKU, or map it by a mapping file.",
    MappingProblem.AMBIGUOUS: "Correct the SKU or the barcode, here or on the channel, or map it by a mapping file.",
    MappingProblem.UNWRITABLE: "Its stock cannot be set on the channel; remove its SKU there if it is not ours.",
}


class Matched(StrEnum):
    """How it is known which SKU an item is."""

    TEXT = "sku"
    BARCODE = "barcode"
    PINNED = "mapping file"


@dataclass(frozen=True, slots=True)
class Match:
    """An item and the SKU it is."""

    item: RemoteItem
    sku: str
    by: Matched


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An item and why it is none of our SKUs."""

    item: RemoteItem
    problem: MappingProblem
    message: str


@dataclass(slots=True)
class DiscoveryReport:
    """What a discovery found on one channel. Counts are of items, `missing` and `contested` of SKUs.

    `warning` is set where listings the channel no longer shows were kept all the same.
    """

    channel: str
    found: int = 0
    mapped: dict[Matched, int] = field(default_factory=lambda: dict.fromkeys(Matched, 0))
    problems: dict[MappingProblem, int] = field(default_factory=lambda: dict.fromkeys(MappingProblem, 0))
    added: int = 0
    retired: int = 0
    listings: int = 0
    missing: int = 0
    contested: int = 0
    warning: str = ""

    @property
    def clean(self) -> bool:
        """Whether everything on either side has its counterpart."""
        return not (any(self.problems.values()) or self.missing or self.contested or self.warning)


@dataclass(frozen=True, slots=True)
class Identities:
    """The SKUs that items of a page may be: all codes, and the codes that have a barcode."""

    codes: frozenset[str]
    by_barcode: Mapping[str, tuple[str, ...]]


def problems_key(channel: str) -> str:
    """The name under which a channel's unmapped items are kept among the refused rows."""
    return f"discovery/{channel}"


async def discover_channel(
    pool: Pool, channel: Channel, places: Sequence[str], *, accept_loss: bool = False
) -> DiscoveryReport:
    """Map every item of the channel that can be told, retire listings it no longer has, and report the rest.

    Raises the channel's ChannelError; then the mapping is as it was, save for what is known of items.
    Where the channel suddenly lacks more than half of what is mapped, nothing is retired and the
    mapping does not count as fresh, unless `accept_loss` says that it is true.
    """
    report = DiscoveryReport(channel.name)
    started = await catalogue.start_mapping(pool)
    key = problems_key(channel.name)
    await catalogue.forget_refused_rows(pool, key, key)
    async for page in channel.discover():
        await _take_page(pool, channel.name, page, places, report)
    report.added = await mapping.activate_found(pool, channel.name, started)
    lost = await mapping.losses(pool, channel.name, started)
    if accept_loss or _credible(lost):
        report.retired = await catalogue.finish_mapping(pool, channel.name, started)
    else:
        report.warning = (
            f"{channel.name} no longer shows {lost.unseen:,} of {lost.active:,} mapped listings; so many do not "
            "vanish unnoticed, so the mapping was kept. If they are gone, run `onhand mapping discover "
            f"--channel {channel.name} --accept-loss`."
        )
    return await _summed_up(pool, report)


def _credible(lost: Losses) -> bool:
    """Whether what a discovery did not see may simply be gone. A shop that shows nothing at all is broken."""
    return lost.unseen <= max(LOSS_FREE, lost.active * LOSS_SHARE_MAX) and lost.unseen < max(1, lost.active)


async def _summed_up(pool: Pool, report: DiscoveryReport) -> DiscoveryReport:
    (state,) = await catalogue.mapping_state(pool, [report.channel])
    report.listings, report.missing = state.listings, state.unmapped
    report.contested = await mapping.count_contested(pool, report.channel)
    return report


async def _take_page(
    pool: Pool, channel: str, page: Sequence[RemoteItem], places: Sequence[str], report: DiscoveryReport
) -> None:
    # A channel that changes while it is paged through may show an item twice on one page.
    items = list({item.item_id: item for item in page}.values())
    identities = await _identities(pool, items)
    known = await mapping.known_items(pool, channel, [item.item_id for item in items])
    found: list[NewListing] = []
    unmapped: list[Unmapped] = []
    for item in items:
        report.found += 1
        verdict = match(item, identities, known.get(item.item_id))
        if isinstance(verdict, Match):
            report.mapped[verdict.by] += 1
            found.append(
                NewListing(
                    verdict.sku,
                    item.item_id,
                    item.sort_key,
                    item.parent_id,
                    item.tracking,
                    order_ref=item.order_ref,
                )
            )
        else:
            report.problems[verdict.problem] += 1
            unmapped.append(verdict)
    await mapping.save_found(pool, channel, found, places)
    await _keep(pool, channel, unmapped, report)


async def _keep(pool: Pool, channel: str, unmapped: Sequence[Unmapped], report: DiscoveryReport) -> None:
    kept_before = sum(report.problems.values()) - len(unmapped)
    rows = [
        RefusedRow(entry.item.item_id, shown(entry.item), entry.problem, entry.message)
        for entry in unmapped[: max(0, PROBLEMS_KEPT_MAX - kept_before)]
    ]
    if rows:
        await catalogue.save_refused_rows(pool, problems_key(channel), problems_key(channel), rows)


async def _identities(pool: Pool, items: Sequence[RemoteItem]) -> Identities:
    rows = await catalogue.skus_by_identity(
        pool, [text_of(item) for item in items], [item.barcode for item in items]
    )
    by_barcode: dict[str, list[str]] = {}
    for code, barcode in rows:
        by_barcode.setdefault(barcode, []).append(code)
    return Identities(
        frozenset(code for code, _ in rows),
        {barcode: tuple(sorted(codes)) for barcode, codes in by_barcode.items() if barcode},
    )


def match(item: RemoteItem, identities: Identities, known: KnownItem | None) -> Match | Unmapped:
    """Which SKU an item is, or why that cannot be told."""
    if known is not None and known.pinned:
        return Match(item, known.sku, Matched.PINNED)
    if not item.writable:
        return Unmapped(item, MappingProblem.UNWRITABLE, item.problem or "the channel takes no stock for it")
    text = text_of(item)
    by_text = text if text in identities.codes else ""
    by_barcode = identities.by_barcode.get(item.barcode, ())
    if by_text and (not by_barcode or by_text in by_barcode):
        return Match(item, by_text, Matched.TEXT)
    if not by_text and len(by_barcode) == 1:
        return Match(item, by_barcode[0], Matched.BARCODE)
    if not by_text and not by_barcode:
        return Unmapped(item, MappingProblem.UNKNOWN, _unknown(item, text))
    return _ambiguous(item, by_text, by_barcode, known)


def _ambiguous(
    item: RemoteItem, by_text: str, by_barcode: Sequence[str], known: KnownItem | None
) -> Match | Unmapped:
    if known is not None and known.active and known.sku in (by_text, *by_barcode):
        # A slip in a barcode does not take an item that sells off the channel.
        return Match(item, known.sku, Matched.TEXT if known.sku == by_text else Matched.BARCODE)
    owners = ", ".join(by_barcode)
    if by_text:
        message = f"its SKU text says {by_text}, its barcode {item.barcode} is that of {owners}"
    else:
        message = f"its barcode {item.barcode} is that of several SKUs: {owners}"
    return Unmapped(item, MappingProblem.AMBIGUOUS, message)


def _unknown(item: RemoteItem, text: str) -> str:
    if not text:
        return "it has no SKU text" + (f", and no SKU has its barcode {item.barcode}" if item.barcode else "")
    return f"SKU {text} is not in the catalogue" + (", nor is its barcode" if item.barcode else "")


def text_of(item: RemoteItem) -> str:
    """The SKU text of an item as we compare it: people leave spaces around it, and Postgres takes no NUL."""
    return item.sku.replace("\0", "").strip()


def shown(item: RemoteItem) -> str:
    """An item in one line, for people who look for it on the channel."""
    parts = [item.title or "(no title)"]
    parts += [f"SKU {item.sku}"] if item.sku else []
    parts += [f"barcode {item.barcode}"] if item.barcode else []
    return ", ".join(parts)
