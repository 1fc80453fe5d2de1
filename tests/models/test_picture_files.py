from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gate.core.errors import DataError
from gate.models.datasets.forms.csv_list import list_csv
from gate.models.datasets.forms.folder import list_folder
from gate.models.datasets.pictures import Listing, PictureFiles


def draw(path: Path, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), level).save(path)


def labels(listing: Listing) -> list[int] | None:
    return None if listing.labels is None else listing.labels.tolist()


def test_folders_count_as_keras_counts_them(tmp_path: Path) -> None:
    for level, name in enumerate(
        ("dog/b.png", "cat/deeper/a.png", "cat/z.png", "7/a.png", ".thumbnails/a.png")
    ):
        draw(tmp_path / name, level)

    listing = list_folder(tmp_path, 3)

    assert ("7/a.png", "cat/deeper/a.png", "cat/z.png", "dog/b.png") == listing.names
    assert [0, 1, 1, 2] == labels(listing)
    assert listing.other_labels is None


def test_folders_named_by_numbers_are_these_classes_or_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in range(11):
        draw(tmp_path / str(number) / "a.png")

    listing = list_folder(tmp_path, 11)

    order = sorted(range(11), key=str)
    assert (order, list(range(11))) == (labels(listing), listing.other_labels.tolist())  # type: ignore[union-attr]


def test_numbers_need_no_folder_for_every_class(tmp_path: Path) -> None:
    draw(tmp_path / "00003" / "a.png")
    draw(tmp_path / "00041" / "a.png")

    assert [3, 41] == labels(list_folder(tmp_path, 43))


def test_numbers_that_begin_with_one_are_classes_in_their_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        draw(tmp_path / str(number) / "a.png")

    listing = list_folder(tmp_path, 3)

    assert ("1/a.png", "10/a.png", "2/a.png") == listing.names
    assert [0, 2, 1] == labels(listing)
    assert [0, 1, 2] == listing.other_labels.tolist()  # type: ignore[union-attr]  # the alphabetical order


@pytest.mark.parametrize("folders", [("cat",), ("cat", "dog", "eel"), ("1", "5")])
def test_folders_that_are_not_the_classes_are_refused(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for folder in folders:
        draw(tmp_path / folder / "a.png")

    with pytest.raises(
        DataError, match=rf"expected . class folders, received {len(folders)}: {', '.join(folders)}"
    ):
        list_folder(tmp_path, 4 if folders == ("1", "5") else 2)


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    draw(tmp_path / "b.png")
    draw(tmp_path / "a.JPG")

    listing = list_folder(tmp_path, 2)

    assert (("a.JPG", "b.png"), None) == (listing.names, listing.labels)


def test_a_list_names_files_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "Train.csv"
    path.write_text("\ufeffWidth,ClassId,Path\n29,20,Train\\20\\a.png\n30,3,b.png\n", encoding="utf-8")

    listing = list_csv(path)

    assert (("Train/20/a.png", "b.png"), [20, 3]) == (listing.names, labels(listing))


def test_a_list_without_labels_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("file\na.png\n")

    assert None is list_csv(tmp_path / "a.csv").labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected rows and a column named file, received the columns nothing"),
        ("file,label\n", "expected rows and a column named file"),
        ("name,label\na.png,1\n", "received the columns name, label"),
        (
            "file,label\na.png,0\n../b.png,1\n",
            "a.csv:3: expected a file below the CSV's folder, received ../b.png",
        ),
        ("file,label\n/etc/passwd,1\n", "received /etc/passwd"),
        ("label,file\n1\n", "a.csv:2: expected a file below the CSV's folder, received nothing"),
        ("file,label\na.png,cat\n", "a.csv:2: expected a whole-number label, received cat"),
        ("file,label\na.png\n", "a.csv:2: expected a whole-number label, received nothing"),
        ("file,label\n\x1b[2J/\u202e,cat\n", "received cat"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")

    with pytest.raises(DataError) as error:
        list_csv(tmp_path / "a.csv")

    assert message in str(error.value)
    assert str(error.value).isprintable()


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x81")

    with pytest.raises(DataError, match="cannot be read as CSV"):
        list_csv(tmp_path / "a.csv")


def test_pictures_are_decoded_when_they_are_asked_for(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", 51)
    Image.new("RGBA", (9, 7), (102, 102, 102, 255)).save(tmp_path / "b.png")

    pictures = PictureFiles(Listing(tmp_path, ("a.png", "b.png"), None), (4, 4, 3))
    images = pictures[np.array([0, 1])]

    assert (2, "b.png", (2, 4, 4, 3)) == (len(pictures), pictures.name(1), images.shape)
    np.testing.assert_allclose([0.2, 0.4], images[:, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nrubbish"])
def test_a_file_that_is_no_picture_is_named_at_once(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.png").write_bytes(content)

    with pytest.raises(DataError, match=r"broken\.png: not a picture that can be read"):
        PictureFiles(Listing(tmp_path, ("broken.png",), None), (4, 4, 1))


def test_a_picture_that_ends_early_is_named_when_it_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:2000])
    pictures = PictureFiles(Listing(tmp_path, ("cut.png",), None), (4, 4, 1))

    with pytest.raises(DataError, match=r"cut\.png: not a picture that can be read"):
        pictures[np.array([0])]
