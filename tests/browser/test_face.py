"""The face of the browser player, over a player without a show: what a person sees, touches and hears read out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.complaints import Complaints
from tests.browser.static_server import static_server
from tests.browser.watching import until

_ROOT = Path(__file__).parents[2]
_WEB = _ROOT / "player" / "web"
_VITE = _WEB / "node_modules" / "vite" / "bin" / "vite.js"
_OUTSIDE = "body > input"
_SHADOW = "document.querySelector('lfv-player').shadowRoot"
_IDLE = f"{_SHADOW}.querySelector('.frame').classList.contains('idle')"
_NOTE = f"{_SHADOW}.querySelector('.note').textContent"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the page of player/web/tests/face."""
    if not _VITE.is_file():
        pytest.skip("the browser player's tools are not installed; 'make web' installs them")
    built = tmp_path_factory.mktemp("face")
    vite = [str(_ROOT / ".ci" / "node"), sys.prefix, "node", str(_VITE), "build", "tests/face", "--logLevel", "warn"]
    subprocess.run([*vite, "--emptyOutDir", "--outDir", str(built)], cwd=_WEB, check=True, timeout=120)
    with static_server(built) as origin:
        yield origin


@pytest.fixture
def face(page: Page, site: str) -> Page:
    """The page, with a show that plays."""
    return opened(page, site)


@pytest.fixture
def hand(chromium: Browser, complaints: Complaints, site: str) -> Iterator[Page]:
    """The same page on a small phone."""
    context = chromium.new_context(viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True)
    page = context.new_page()
    complaints.listen(page)
    yield opened(page, site)
    context.close()
    assert complaints.unexpected == []


def opened(page: Page, site: str) -> Page:
    page.goto(f"{site}/index.html")
    until(page, "window.fakes?.length === 1")
    page.evaluate("fakes[0].become(PLAYING)")
    # The page has a field above the player, so that there is something else to have the focus.
    page.evaluate("document.querySelector('lfv-player').scrollIntoView()")
    return page


def become(page: Page, change: dict[str, Any]) -> None:
    """Change the state of the newest player."""
    page.evaluate("(change) => fakes.at(-1).become(change)", change)


def calls(page: Page) -> list[str]:
    """What was asked of the newest player since the last call."""
    return list(page.evaluate("fakes.at(-1).calls.splice(0)"))


def head(page: Page) -> dict[str, Any]:
    return dict(page.evaluate("document.querySelector('lfv-player').head"))


def surface(page: Page) -> Locator:
    return page.get_by_role("application")


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def click(page: Page, locator: Locator) -> None:
    page.mouse.click(*middle(locator))


def focused(page: Page) -> str:
    """The name of what has the focus in the player."""
    return str(page.evaluate(f"{_SHADOW}.activeElement?.getAttribute('aria-label') ?? ''"))


def test_frame_and_controls_are_drawn_at_once(face: Page) -> None:
    """In the task that puts the element on the page, before any answer to anything could have come."""
    drawn = """() => {
      const player = document.createElement("lfv-player");
      player.setAttribute("src", "other.lfv");
      document.body.append(player);
      const timeline = player.shadowRoot.querySelector("[role=slider]").getBoundingClientRect();
      return { timeline: timeline.width > 100, phase: player.state.phase, time: player.currentTime };
    }"""
    assert face.evaluate(drawn) == {"timeline": True, "phase": "opening", "time": 0}


def test_the_poster_is_there_until_the_show_is(face: Page) -> None:
    face.evaluate("async () => fakes[0].become({ shown: false, poster: await drawn('poster', 64, 36) })")
    poster = f"{_SHADOW}.querySelector('.poster')"
    until(face, f"{poster}.width === 1280 && getComputedStyle({poster}).opacity === '1'")
    become(face, {"shown": True})
    until(face, f"getComputedStyle({poster}).visibility === 'hidden'")


def test_everything_has_a_role_and_a_name(face: Page) -> None:
    expected = """
- 'application "Light field video: Two dancers in a courtyard"'
- group "Controls":
  - slider "Time"
  - button "Pause"
  - button "Mute"
  - slider "Volume": "70"
  - text: 0:12 / 1:30
  - button "Quality": Auto
  - button "Enter VR"
  - button "Full screen"
  - text: Two dancers in a courtyard
  - button "Statistics"
  - button "Recentre"
- status
""".strip()
    assert face.locator("lfv-player").aria_snapshot() == expected


def test_the_keyboard_reaches_everything_in_order(face: Page) -> None:
    face.locator(_OUTSIDE).focus()
    reached = []
    for _ in range(10):
        face.keyboard.press("Tab")
        reached.append(focused(face))
    surface_name = "Light field video: Two dancers in a courtyard"
    bottom = ["Time", "Pause", "Mute", "Volume", "Quality", "Enter VR", "Full screen"]
    assert reached == [surface_name, *bottom, "Statistics", "Recentre"]


def test_keys_are_the_players_while_it_has_the_focus(face: Page) -> None:
    face.locator(_OUTSIDE).focus()
    face.keyboard.type("mrs 1")
    assert face.locator(_OUTSIDE).input_value() == "mrs 1" and calls(face) == []
    surface(face).focus()
    for key in ("m", "r", "ArrowRight", "ArrowDown", " ", "2", "0", "l", "Control+m"):
        face.keyboard.press(key)
    assert calls(face) == [
        *("muted true", "recentre", "seek 14.4"),
        *("volume 0", "muted true"),
        *("pause", "rung 1", "rung null"),
    ]


def test_keys_of_a_page_that_is_the_players(face: Page) -> None:
    face.evaluate("document.querySelector('lfv-player').setAttribute('keys', 'page')")
    face.evaluate("document.activeElement?.blur()")
    face.keyboard.press("m")
    face.locator(_OUTSIDE).focus()
    face.keyboard.press("m")
    assert calls(face) == ["muted true"]


def test_a_rung_that_the_device_cannot_play_is_not_fixed(face: Page) -> None:
    surface(face).focus()
    face.keyboard.press("4")
    assert calls(face) == []


def test_space_presses_a_button_once(face: Page) -> None:
    face.get_by_role("button", name="Mute").focus()
    face.keyboard.press(" ")
    assert calls(face) == ["muted true"]


def test_a_clicked_button_does_not_take_the_next_space(face: Page) -> None:
    click(face, face.get_by_role("button", name="Mute"))
    face.keyboard.press(" ")
    assert calls(face) == ["muted true", "pause"]


def test_a_click_plays_and_pauses_a_drag_looks_around(face: Page) -> None:
    x, y = middle(surface(face))
    face.mouse.click(x, y)
    assert calls(face) == ["pause"]
    face.emulate_media(reduced_motion="reduce")
    face.mouse.move(x, y)
    face.mouse.down()
    face.mouse.move(x + 64, y + 32, steps=4)
    face.mouse.up()
    # 640 pixels are two units of tangent at 90 degrees.
    until(face, "document.querySelector('lfv-player').head.yaw !== 0")
    face.wait_for_timeout(200)
    assert head(face)["yaw"] == pytest.approx(-0.2) and head(face)["pitch"] == pytest.approx(0.1)
    assert calls(face) == []


def test_the_wheel_scrolls_the_page_until_the_player_was_clicked(face: Page) -> None:
    face.evaluate("scrollTo(0, 0)")
    face.mouse.move(*middle(surface(face)))
    face.mouse.wheel(0, -100)
    face.mouse.wheel(0, 20)
    until(face, "scrollY > 0")
    face.wait_for_timeout(300)
    assert head(face)["position"] == [0, 0, 0]
    surface(face).focus()
    scrolled = face.evaluate("scrollY")
    face.mouse.wheel(0, -100)
    until(face, "document.querySelector('lfv-player').head.position[2] < -0.02")
    assert face.evaluate("scrollY") == scrolled


def test_keys_move_the_head_while_they_are_held(face: Page) -> None:
    surface(face).focus()
    face.keyboard.down("w")
    face.keyboard.down("D")
    until(face, "document.querySelector('lfv-player').head.position[2] < -0.02")
    face.keyboard.up("w")
    # The focus has gone on before the key comes up.
    face.locator(_OUTSIDE).focus()
    face.keyboard.up("D")
    face.wait_for_timeout(100)
    before = head(face)["position"]
    face.wait_for_timeout(100)
    assert head(face)["position"] == before and before[0] > 0


def test_a_head_is_set_exactly(face: Page) -> None:
    place = {"position": [0.125, -0.0625, 0.25], "yaw": 0.75, "pitch": -0.375}
    face.evaluate("(place) => { document.querySelector('lfv-player').head = place; }", place)
    assert head(face) == place
    face.wait_for_timeout(100)
    assert head(face) == place
    face.get_by_role("button", name="Recentre").click()
    assert head(face) == {"position": [0, 0, 0], "yaw": 0, "pitch": 0}


def test_the_menu_by_keyboard(face: Page) -> None:
    opener = face.get_by_role("button", name="Quality")
    opener.focus()
    face.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    expected = """
- menu "Quality":
  - menuitemradio "Automatic now medium" [checked]
  - menuitemradio "small 1920 × 1080, 15.0 Mbit/s"
  - menuitemradio "medium 2880 × 1620, 25.0 Mbit/s"
  - menuitemradio "large 3840 × 2304, 40.0 Mbit/s"
  - menuitemradio "full This device cannot decode HEVC of this size" [disabled]
""".strip()  # noqa: RUF001
    assert face.get_by_role("menu").aria_snapshot() == expected
    face.keyboard.press("ArrowUp")
    face.keyboard.press("Enter")
    assert calls(face) == [] and face.get_by_role("menu").is_visible()
    face.keyboard.press("ArrowUp")
    face.keyboard.press("Enter")
    assert calls(face) == ["rung 2"]
    assert not face.get_by_role("menu").is_visible() and focused(face) == "Quality"
    assert "large" in opener.inner_text()


def test_the_menu_goes_away(face: Page) -> None:
    opener = face.get_by_role("button", name="Quality")
    for leave in ("Escape", "click", "opener"):
        click(face, opener)
        assert face.get_by_role("menu").is_visible()
        if leave == "Escape":
            face.keyboard.press("Escape")
        else:
            face.mouse.click(*middle(opener) if leave == "opener" else (20, 200))
        assert not face.get_by_role("menu").is_visible() and opener.get_attribute("aria-expanded") == "false"
    assert calls(face) == []


def test_the_timeline_by_keyboard(face: Page) -> None:
    timeline = face.get_by_role("slider", name="Time")
    timeline.focus()
    for key in ("ArrowRight", "PageDown", "End", "Home"):
        face.keyboard.press(key)
    assert calls(face) == ["seek 14.4", "seek 4.4", "seek 90", "seek 0"]
    assert timeline.get_attribute("aria-valuetext") == "0:00 of 1:30"
    become(face, {"live": True})
    face.keyboard.press("End")
    assert calls(face) == ["follow"]


def test_the_timeline_by_mouse(face: Page) -> None:
    face.evaluate(
        """async () => fakes[0].become({ thumbnails: [
          { time: 0, image: await drawn("a", 16, 9) }, { time: 40, image: await drawn("b", 32, 8) },
        ]})"""
    )
    timeline = face.get_by_role("slider", name="Time")
    box = timeline.bounding_box()
    assert box is not None
    x, y = box["x"], box["y"] + box["height"] / 2
    face.mouse.move(x + box["width"] / 4, y)
    assert timeline.inner_text() == "0:22"
    height = f"{_SHADOW}.querySelector('.thumbnail').height"  # both are brought to one width
    until(face, f"{height} === 144")
    face.mouse.down()
    face.mouse.move(x + box["width"] / 2, y, steps=3)
    until(face, f"{height} === 64")
    face.mouse.up()
    sought = [float(call.removeprefix("seek ")) for call in calls(face)]
    assert sought[0] == pytest.approx(22.5, abs=0.5) and sought[-1] == pytest.approx(45, abs=0.5)
    face.mouse.move(x + 50, y - 150)
    assert timeline.inner_text() == ""


def test_the_controls_step_aside_and_come_back(face: Page) -> None:
    x, y = middle(surface(face))
    face.mouse.move(x, y)
    until(face, _IDLE, seconds=6)
    face.mouse.move(x + 5, y)
    assert not face.evaluate(_IDLE)
    face.get_by_role("button", name="Mute").focus()
    face.keyboard.press("Shift")
    face.wait_for_timeout(3500)
    assert not face.evaluate(_IDLE)
    surface(face).focus()
    until(face, _IDLE, seconds=6)
    become(face, {"playing": False})
    assert not face.evaluate(_IDLE)
    face.wait_for_timeout(3500)
    assert not face.evaluate(_IDLE)


def test_a_failure_is_said_and_tried_again(face: Page) -> None:
    alert = face.get_by_role("alert")
    become(face, {"phase": "failed", "failure": {"message": "The server is gone <b>", "retry": True}})
    assert alert.inner_text().split("\n")[0] == "The server is gone <b>"
    alert.get_by_role("button", name="Retry").click()
    assert calls(face) == ["retry"] and not alert.is_visible()
    assert focused(face).startswith("Light field video")
    become(face, {"phase": "failed", "failure": {"message": "This browser cannot play it", "retry": False}})
    assert alert.inner_text() == "This browser cannot play it"


def test_an_outage_is_said_and_over(face: Page) -> None:
    become(face, {"connected": False})
    assert face.evaluate(_NOTE) == ""
    until(face, f"{_NOTE} !== ''")
    assert face.get_by_role("status").inner_text() == "The connection is lost; connecting again"
    become(face, {"connected": True})
    until(face, f"{_NOTE} === ''")


def test_statistics(face: Page) -> None:
    surface(face).focus()
    face.keyboard.press("s")
    panel = face.get_by_role("region", name="Statistics")
    assert "372 at 0:12" in panel.inner_text() and calls(face) == ["overdraw true"]
    face.evaluate("fakes[0].figures = { ...fakes[0].figures, frame: 400 }")
    until(face, f"{_SHADOW}.querySelector('.stats').textContent.includes('400 at')")
    face.keyboard.press("s")
    assert not panel.is_visible() and calls(face) == ["overdraw false"]


def test_live(face: Page) -> None:
    become(face, {"live": True, "behindS": 1.2, "following": True})
    assert face.get_by_role("button", name="Live").inner_text() == "Live"
    become(face, {"behindS": 12.3, "following": False})
    button = face.get_by_role("button", name="Go to what is live")
    assert button.inner_text() == "Live \N{MINUS SIGN}12 s"
    click(face, button)
    assert calls(face) == ["follow"]


def test_vr(face: Page) -> None:
    face.get_by_role("button", name="Enter VR").click()
    face.get_by_role("button", name="Leave VR").click()
    assert calls(face) == ["enter vr", "leave vr"]
    face.evaluate("() => { fakes[0].enterVr = () => Promise.reject(new Error('the headset is asleep')); }")
    face.get_by_role("button", name="Enter VR").click()
    until(face, f"{_NOTE} !== ''")
    assert face.get_by_role("status").inner_text() == "The headset is asleep"
    become(face, {"vr": "unavailable"})
    assert face.get_by_role("button", name="Enter VR").count() == 0


def test_full_screen(face: Page) -> None:
    surface(face).focus()
    face.keyboard.press("f")
    until(face, "document.fullscreenElement?.localName === 'lfv-player'")
    face.get_by_role("button", name="Leave full screen").click()
    until(face, "document.fullscreenElement === null")


def test_the_window_is_filled_where_there_is_no_full_screen(face: Page) -> None:
    face.evaluate("() => { for (const name of ['r', 'webkitR']) delete Element.prototype[`${name}equestFullscreen`]; }")
    frame = f"{_SHADOW}.querySelector('.frame')"
    face.evaluate("document.querySelector('lfv-player').style.cssText = 'width: 300px; height: 200px'")
    surface(face).focus()
    face.keyboard.press("f")
    assert face.evaluate(f"{frame}.clientWidth === innerWidth && {frame}.clientHeight === innerHeight")
    face.keyboard.press("Escape")
    assert face.evaluate(f"{frame}.clientWidth") == 300


def test_attributes_reach_the_player(face: Page) -> None:
    face.evaluate(
        """() => {
          const player = document.querySelector("lfv-player");
          player.setAttribute("muted", "");
          player.setAttribute("muted", "false");
          player.setAttribute("loop", "false");
          player.setAttribute("rung", "large");
          player.removeAttribute("rung");
          player.setAttribute("controls", "false");
        }"""
    )
    assert calls(face) == ["muted true", "muted false", "loop false", "rung large", "rung null"]
    assert not face.get_by_role("group", name="Controls").is_visible()
    options = face.evaluate("({ ...fakes[0].options, canvas: undefined })")
    assert options["src"] == "show.lfv" and options["token"] == "" and options["rung"] is None
    assert options["fov"] == pytest.approx(3.14159 / 2, abs=1e-4)
    assert options["muted"] and options["loop"] and options["autoplay"]


def test_another_show_is_another_player(face: Page) -> None:
    face.evaluate("document.querySelector('lfv-player').setAttribute('src', 'other.lfv')")
    assert face.evaluate("fakes.map((fake) => fake.options.src)") == ["show.lfv", "other.lfv"]
    assert face.evaluate("fakes[0].calls.at(-1) === 'close' && fakes[0].listenerCount === 0")
    assert face.evaluate("fakes[0].options.canvas !== fakes[1].options.canvas")
    face.evaluate("document.querySelector('lfv-player').removeAttribute('src')")
    assert face.evaluate("fakes[1].calls.at(-1)") == "close"
    assert face.evaluate("document.querySelector('lfv-player').state") is None


def test_moved_on_the_page_it_plays_on_taken_away_it_ends(face: Page) -> None:
    face.evaluate("document.body.append(document.querySelector('lfv-player'))")
    face.wait_for_timeout(50)
    assert face.evaluate("fakes.length") == 1 and calls(face) == []
    face.evaluate("(window.player = document.querySelector('lfv-player')).remove()")
    until(face, "fakes[0].calls.at(-1) === 'close' && fakes[0].listenerCount === 0")
    face.evaluate("document.body.append(player)")
    assert face.evaluate("fakes.length") == 2


def test_it_tells_its_page(face: Page) -> None:
    face.evaluate(
        """() => {
          window.told = [];
          for (const type of ["ready", "statechange", "timeupdate", "error"]) {
            document.querySelector("lfv-player").addEventListener(type, (event) => told.push([type, event.detail]));
          }
        }"""
    )
    face.wait_for_timeout(300)
    become(face, {"time": 20})
    become(face, {"stalled": True})
    become(face, {"phase": "failed", "failure": {"message": "gone", "retry": False}})
    told = face.evaluate("told")
    assert [kind for kind, _ in told] == ["timeupdate", "statechange", "statechange", "error"]
    assert told[0][1] == {"time": 20, "duration": 90} and told[1][1]["stalled"]
    assert told[3][1] == {"message": "gone", "retry": False}


def test_everything_fits_a_narrow_phone(hand: Page) -> None:
    for change in ({}, {"live": True, "behindS": 100.0}):
        become(hand, change)
        for button in hand.locator("lfv-player button:visible").all():
            box = button.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 320, button.get_attribute(
                "aria-label"
            )
            assert box["width"] >= 36 and box["height"] >= 36
    hand.get_by_role("button", name="Quality").tap()
    box = hand.get_by_role("menu").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 320


def test_a_tap_of_a_finger_brings_the_controls_and_sends_them_away(hand: Page) -> None:
    for expected in (True, False, True):
        hand.touchscreen.tap(160, 280)
        assert hand.evaluate(_IDLE) is expected
    assert calls(hand) == []


def test_two_fingers_move_and_zoom(hand: Page) -> None:
    touch = hand.context.new_cdp_session(hand)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (120, 280), (200, 280))
    fingers("touchMove", (80, 240), (160, 240))
    fingers("touchEnd")
    until(hand, "document.querySelector('lfv-player').head.position[0] > 0")
    hand.wait_for_timeout(100)
    # A box of 0.6 metres for the width of 320 pixels.
    assert head(hand)["position"] == pytest.approx([0.075, -0.075, 0], abs=1e-6)
    assert head(hand)["yaw"] == 0 and calls(hand) == []


def test_a_phone_is_a_window(hand: Page) -> None:
    def hold(alpha: float) -> None:
        angles = {"alpha": alpha, "beta": 60, "gamma": 0}
        hand.evaluate("(held) => void dispatchEvent(new DeviceOrientationEvent('deviceorientation', held))", angles)

    hand.evaluate("() => { window.looks = () => Array.from(fakes[0].pose ?? []); }")
    hand.get_by_role("button", name="Look around by turning the phone").tap()
    until(hand, f"{_SHADOW}.querySelector('[aria-pressed=true]') !== null")
    # However it is held first is forward.
    hold(40)
    hold(10)
    # It turns 30 degrees to the right: the head's right side is that of a yaw, its top stays the world's.
    until(hand, "Math.abs(looks()[0] - Math.cos(Math.PI / 6)) < 1e-3 && Math.abs(looks()[2] - 0.5) < 1e-3")
    assert hand.evaluate("Math.abs(looks()[5] - 1) < 1e-3")
    hand.get_by_role("button", name="Look around by turning the phone").tap()
    until(hand, "looks()[0] === 1")
    hold(70)
    hand.wait_for_timeout(100)
    assert hand.evaluate("looks()[0]") == 1
