"""The board of the day counts what there is, and says whose turn it is."""

from __future__ import annotations

from service.domain.board import Counted, Matter, Turn, board, turn
from service.domain.offer import ListAction
from service.usecases import offering, overlooking
from service.usecases.site import Site
from tests.service.builders import a_partner, a_record, bring, open_list
from tests.service.test_allocating import allocate, close, wish


def _on_board(site: Site) -> dict[Matter, int]:
    shown = overlooking.today(site.db, site.now())
    return {each.matter: each.number for counted in shown.values() for each in counted}


def test_an_empty_house_has_an_empty_board(site: Site) -> None:
    assert _on_board(site) == {}


def test_a_list_goes_over_the_board_from_open_to_packing(site: Site) -> None:
    open_list(site)
    bring(site, a_record("Title"))
    partner = a_partner(site)
    wish(site, partner, "Title")
    assert _on_board(site) == {Matter.LIST_OPEN: 1}
    close(site)
    assert _on_board(site) == {Matter.LIST_TO_ALLOCATE: 1}
    allocate(site)
    assert _on_board(site) == {Matter.COPIES_TO_PACK: 1, Matter.LIST_ALLOCATED: 1}


def test_an_open_list_whose_day_is_past_needs_us(site: Site) -> None:
    open_list(site)
    offering.change_list(site.db, "spring", ListAction.CLOSE, site.now())
    shown = overlooking.today(site.db, site.now())
    assert [each.matter for each in shown[Turn.YOU]] == [Matter.LIST_TO_ALLOCATE]
    assert shown[Turn.OTHERS] == []


def test_every_matter_has_its_turn_and_nothing_is_shown_of_which_there_is_none() -> None:
    assert [turn(matter) for matter in Matter] == sorted(
        (turn(matter) for matter in Matter), key=list(Turn).index
    )
    shown = board([Counted(matter, number) for number, matter in enumerate(Matter)])
    assert sum(len(counted) for counted in shown.values()) == len(Matter) - 1
