"""What a finished show says of itself comes from its chunks: cost by rung, and thumbnails."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.cost.count import cost_of, drawn_chunk
from encoder.cost.eyes import eyes_of
from encoder.finish import finished_manifest, with_first_costs
from encoder.thumbnails import make_thumbnails
from player.feed import ShowFeed
from protocol import limits
from protocol.container import PartialShow, Show, open_show
from protocol.manifest import Manifest, encode_manifest, manifest_to_document
from samples.make_counter_show import CounterShow, make_counter_show


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rungs, 25 chunks of two frames, without cost and thumbnails."""
    show = CounterShow(frames=50, gop=Fraction(2, 30))
    return make_counter_show(tmp_path_factory.mktemp("counter") / "counter.lfv", show)


def finish_again(show: Show, out: Path) -> Manifest:
    """The manifest that the encoder makes of the show's chunks."""
    with PartialShow.open_or_create(out, fingerprint=b"") as journal:
        for number in range(len(show.index.chunks)):
            journal.append([show.read_segment(number, rung) for rung in range(show.index.rung_count)])
        draft = replace(show.manifest, frame_count=2, duration=Fraction(2, 30))
        return finished_manifest(journal, draft, title="finished")


def test_costs_and_thumbnails_of_a_journal(counter: Path, tmp_path: Path) -> None:
    with open_show(counter) as show:
        manifest = finish_again(show, tmp_path / "again.lfv")
        assert manifest.title == "finished"
        assert (manifest.frame_count, manifest.duration) == (50, Fraction(50, 30))
        m = show.manifest
        eyes = eyes_of(m.projection, comfort_min=m.comfort_min, comfort_max=m.comfort_max)
        for number, rung in enumerate(manifest.rungs):
            chunks = [show.read_geometry(show.read_chunk(chunk, number)) for chunk in range(25)]
            assert rung.cost == cost_of([drawn_chunk(geometry, m.projection, eyes) for geometry in chunks])
            assert rung.cost is not None and (rung.cost.triangles, rung.cost.draws) == (34, 2)
        assert manifest.thumbnails == make_thumbnails(ShowFeed(show, 2))
        assert encode_manifest(manifest) == encode_manifest(finish_again(show, tmp_path / "third.lfv"))


def test_a_draft_has_the_cost_of_its_chunk_and_no_thumbnails(counter: Path) -> None:
    with open_show(counter) as show:
        chunks = [show.read_chunk(0, rung) for rung in range(3)]
        draft = replace(show.manifest, frame_count=2, duration=Fraction(2, 30))
        costed = with_first_costs(draft, [chunk.geometry for chunk in chunks])
    assert all(rung.cost is not None for rung in costed.rungs)
    bare = replace(costed, rungs=tuple(replace(rung, cost=None) for rung in costed.rungs))
    assert manifest_to_document(bare) == manifest_to_document(draft)


def test_thumbnails_are_spread_over_the_show(counter: Path) -> None:
    with open_show(counter) as show:
        thumbnails = make_thumbnails(ShowFeed(show, 2))
    assert len(thumbnails) == 20 <= limits.MAX_THUMBNAILS
    starts = [Fraction(2 * (25 * number // 20), 30) for number in range(20)]
    assert [thumbnail.time for thumbnail in thumbnails] == starts
    for number, thumbnail in enumerate(thumbnails):
        assert len(thumbnail.image) < 4096
        picture = av.CodecContext.create("mjpeg", "r").decode(av.Packet(thumbnail.image))[0]
        assert (picture.width, picture.height) == (128, 72)
        if number:
            assert thumbnail.image != thumbnails[number - 1].image  # the counter says another number
        grey = picture.to_ndarray(format="gray").astype(np.float64)
        assert np.ptp(grey) > 100


def test_a_single_chunk_has_its_poster(tmp_path: Path) -> None:
    with open_show(make_counter_show(tmp_path / "one.lfv", frames=2, gop=Fraction(2, 30))) as show:
        assert make_thumbnails(ShowFeed(show, 0)) == ()
