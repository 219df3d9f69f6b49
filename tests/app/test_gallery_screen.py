"""The gallery shows what was made, and gives its settings back."""

import json

import pytest


def test_a_result_stands_beside_its_picture_and_its_pose(page, animation):
    text = page.text("/gallery")
    for path in ("files/ann.png", "files/walk.mp4", "outputs/made/ann_walk.mp4"):
        assert path in text.replace("%2F", "/")


def test_a_file_that_may_not_be_shown_is_left_out(page, animation, home):
    (home / "files" / "ann.png").unlink()
    (home / "files" / "ann.png").symlink_to(home / "secret.png")
    assert "ann.png" not in page.text("/gallery")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("WALK.MP4", '<video src="/file?path=files/WALK.MP4"'),
        ("walk.mkv", '<video src="/file?path=files/walk.mkv"'),
        ("walk.avi", '<a href="/file?path=files/walk.avi&amp;save=1">walk.avi</a>'),
        ("WALK.PNG", '<img src="/file?path=files/WALK.PNG"'),
    ],
)
def test_a_file_is_shown_as_what_a_browser_can_do_with_it(page, animation, home, name, shown):
    (home / "files" / "walk.mp4").rename(home / "files" / name)
    record = json.loads((animation / "cases.jsonl").read_text())
    record["result"]["pose"] = f"files/{name}"
    (animation / "cases.jsonl").write_text(json.dumps(record) + "\n")
    assert shown in page.text("/gallery").replace(f"{home}/", "")


def test_again_fills_the_form_with_the_settings_of_the_run(page, animation):
    text = page.text("/animate?again=made")
    assert 'name="reference" value="files/ann.png"' in text
    assert 'name="motion" value="files/walk.mp4"' in text
    assert 'name="seed" type="number" min="0" max="4294967295" value="5"' in text
    assert 'value="same" checked' in text


def test_the_same_with_another_picture_leaves_the_picture_open(page, animation):
    text = page.text("/animate?again=made&other=1")
    assert 'name="reference" value=""' in text
    assert 'name="motion" value="files/walk.mp4"' in text


def test_a_part_of_a_video_is_sent_to_who_asks_for_it(page, animation):
    answer = page.get("/file?path=outputs/made/ann_walk.mp4", Range="bytes=2-4")
    assert (answer.status_code, answer.data) == (206, b"234")
    answer = page.get("/file?path=outputs/made/ann_walk.mp4&save=1")
    assert answer.headers["Content-Disposition"] == "attachment; filename=ann_walk.mp4"
    assert answer.data == b"0123456789"
