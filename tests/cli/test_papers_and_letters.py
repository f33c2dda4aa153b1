"""Papers and letters at a terminal: pages in a folder, letters as files."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Bookbridge
from tests.cli.test_consignment import given  # noqa: F401 - a fixture


def test_all_papers_of_a_consignment_are_written_to_a_folder(
    bookbridge: Bookbridge,
    given: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    number = bookbridge("consignment", "make", given).stdout.split()[0]
    bookbridge("consignment", "split", number)
    folder = tmp_path / "papers"
    done = bookbridge("consignment", "papers", number, "-o", str(folder))
    assert sorted(each.name for each in folder.iterdir()) == [
        f"{number}-{name}.html"
        for name in ("address-labels", "customs-declaration", "m-bag-tags", "packing-list")
    ]
    assert "postal_address is empty" in done.stderr
    bookbridge("consignment", "papers", number, "-o", str(folder), "--paper", "title-list")
    assert (folder / f"{number}-title-list.html").exists()


def test_a_letter_is_written_saved_and_answered(
    bookbridge: Bookbridge,
    given: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    two = ("--language", "ja", "--language", "zh-Hant")
    page, document = tmp_path / "letter.html", tmp_path / "letter.docx"
    made = bookbridge("letter", "write", given, "invitation", *two, "-o", str(page)).stdout
    assert 'lang="zh-Hant"' in page.read_text(encoding="utf-8")
    bookbridge("letter", "save", made.split()[0], "-o", str(document))
    assert document.read_bytes().startswith(b"PK")
    bookbridge("letter", "write", given, "invitation", *two, "-o", str(tmp_path / "x.pdf"), code=2)
    scan = tmp_path / "answer.pdf"
    scan.write_bytes(b"%PDF-1.4")
    came = bookbridge("letter", "file", given, str(scan), "--subject", "Yes").stdout.split()[0]
    assert len(bookbridge("letter", "list", "--partner", given).stdout.splitlines()) == 2
    copy = tmp_path / "copy.pdf"
    bookbridge("letter", "save", came, "-o", str(copy))
    assert copy.read_bytes() == scan.read_bytes()


def test_a_template_is_shown_changed_and_taken_back(bookbridge: Bookbridge, tmp_path: Path) -> None:
    body = tmp_path / "body.txt"
    body.write_text("{colour}", encoding="utf-8")
    said = ("letter", "template", "invitation", "ko")
    assert "as it came" in bookbridge(*said).stdout
    assert "{colour} is not known" in bookbridge(*said, "--body", str(body), code=1).stderr
    body.write_text("{partner}", encoding="utf-8")
    assert "revision 1" in bookbridge(*said, "--body", str(body)).stdout
    assert "as it came" in bookbridge(*said, "--reset").stdout
