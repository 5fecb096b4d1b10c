"""Narratives that clients send: what acts, loads or leads away is left out."""

import pytest

from gateway.fhir.narrative import safe

X = 'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"<div {X}>Vu <b>hier</b></div>", f"<div {X}>Vu <b>hier</b></div>"),
        (f"<div {X}>a<script>x()</script>b</div>", f"<div {X}>ab</div>"),
        (f'<div {X}><p onclick="x()">a</p></div>', f"<div {X}><p>a</p></div>"),
        (f'<div {X}><a href="javascript:x()">a</a></div>', f"<div {X}><a>a</a></div>"),
        (f'<div {X}><a href="#p1">a</a></div>', f'<div {X}><a href="#p1">a</a></div>'),
        (f'<div {X}>a<img src="http://x/y"/></div>', f"<div {X}>a<img /></div>"),
        (f"<div {X}>a<blink>b<i>c</i>d</blink>e</div>", f"<div {X}>ab<i>c</i>de</div>"),
        (f"<div {X}>a<!-- b -->c</div>", f"<div {X}>ac</div>"),
        (f'<div {X} style="x:y">a</div>', f"<div {X}>a</div>"),
        (f'<h:div xmlns:h="{X[7:-1]}">a<h:p>b</h:p></h:div>', f"<div {X}>a<p>b</p></div>"),
    ],
    ids=[
        "plain", "script", "handler", "link that acts", "link inside", "image from elsewhere",
        "unknown element", "comment", "style", "prefix",
    ],
)  # fmt: skip
def test_what_is_left_of_a_narrative(sent: str, kept: str) -> None:
    assert safe(sent) == kept


@pytest.mark.parametrize(
    "sent", [f"<div {X}> </div>", "<p>a</p>", "a", "<div>", "<!DOCTYPE d><d/>"]
)
def test_what_is_no_narrative(sent: str) -> None:
    assert safe(sent) is None


def test_a_safe_narrative_stays_as_it_is() -> None:
    kept = safe(f"<div {X}>a<blink>b</blink><svg><p>c</p></svg></div>")

    assert kept is not None
    assert safe(kept) == kept
