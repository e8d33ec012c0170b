"""Secrets of other services than models: they are masked where they look like one."""

from __future__ import annotations

import pytest

from cellmage.providers.masking import mask_secrets

TAIL = "0TEST0" * 6
SECRETS = [
    f"ghp_{TAIL}", f"gho_{TAIL}", f"github_pat_{TAIL}", f"glpat-{TAIL}", f"sk_live_{TAIL}",
    f"xoxb-{TAIL}", f"npm_{TAIL}", f"pypi-AgE{TAIL}", f"SG.{TAIL}.{TAIL}", f"ya29.{TAIL}",
    "AKIATESTTESTTEST0000", f"eyJ{TAIL}.{TAIL}.{TAIL}", f"hf_{TAIL}",
]  # fmt: skip
LINES = [
    ("Authorization: Bearer {}", TAIL),
    ("curl -H 'bearer {}'", TAIL),
    ("aws_secret_access_key = {}", f"{TAIL}0000"),
    ('{{"AWS_SECRET_ACCESS_KEY": "{}"}}', f"{TAIL}0000"),
    ("postgresql://ada:{}@db.example.org/sales", TAIL),
    ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", f"{TAIL}\n{TAIL}"),
]
TEXTS = [
    "npm_config_registry and sg.plot, aws_secret_access_key is a name",
    "the ASIAN markets, AKIA, and a bearer of news",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    "git commit 0123456789abcdef0123456789abcdef01234567",
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:6])
@pytest.mark.parametrize("line", ["{}", "token: {},", "export TOKEN={}\n", '"{}"'])
def test_a_token(secret: str, line: str) -> None:
    assert mask_secrets(line.format(secret))[0] == line.format(f"…{secret[-4:]}")


@pytest.mark.parametrize(("line", "secret"), LINES, ids=[line[:12] for line, _ in LINES])
def test_a_secret_in_its_place(line: str, secret: str) -> None:
    masked, endings = mask_secrets(line.format(secret))
    assert TAIL not in masked
    assert len(endings) == 1


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == (text, [])
