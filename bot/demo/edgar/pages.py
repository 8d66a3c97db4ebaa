"""EDGAR's pages about filings: the Atom feed, the daily indexes and their folder, submissions, and the list of tickers.

The markup follows recorded pages, with what is awkward about them: each filing once per party, headings that are
wrapped and do not stand above their columns, and a Z behind times that are New York's at every other filer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from html import escape
from typing import Any, Final

from bot.demo.edgar.filings import Filing, Party
from bot.model import NEW_YORK

Entry = tuple[Filing, Party]

CONTACTS: Final = "Comments:              webmaster@sec.example\n"


def entries(filings: Iterable[Filing]) -> list[Entry]:
    """Each filing once per party, the latest first; the order of the parties is not the same everywhere."""
    ordered = sorted(filings, key=lambda filing: (filing.accepted_at, filing.accession), reverse=True)
    return [
        (filing, party)
        for filing in ordered
        for party in (filing.parties if int(filing.accession[-1]) % 2 else reversed(filing.parties))
    ]


def feed(shown: Sequence[Entry], now: datetime) -> bytes:
    """A page of the feed with these entries."""
    local = now.astimezone(NEW_YORK).replace(microsecond=0)
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>Latest Filings - {local:%a, %d %b %Y %H:%M:%S}</title>\n"
        "<id>https://www.sec.gov/cgi-bin/browse-edgar?action=getcurrent</id>\n"
        f"<updated>{local.isoformat()}</updated>\n"
    )
    return (head + "".join(map(_entry, shown)) + "</feed>\n").encode("latin-1", "xmlcharrefreplace")


def master(shown: Sequence[Entry], day: date) -> bytes:
    """The day's index with bars between the columns."""
    head = f"Description:           Daily Index of EDGAR Dissemination Feed\nLast Data Received:    {day:%b %d, %Y}\n"
    rows = "".join(f"{party.cik}|{party.name}|{filing.form}|{_row(filing, party)}\n" for filing, party in shown)
    columns = f"CIK|Company Name|Form Type|Date Filed|File Name\n{'-' * 80}\n"
    return (f"{head}{CONTACTS}\n{columns}{rows}").encode("latin-1", "replace")


def by_form(shown: Sequence[Entry], day: date) -> bytes:
    """The day's index by form, in columns."""
    head = f"Description:           Daily Index by Form Type\nLast Data Received:    {day:%b %d, %Y}\n{CONTACTS} \n \n"
    columns = f"Form Type   Company Name{' ' * 50}CIK\n      Date Filed  File Name\n{'-' * 140}\n"
    rows = "".join(
        f"{filing.form:<12}{party.name[:60]:<62}{party.cik:<12}{_row(filing, party).replace('|', '    ')}         \n"
        for filing, party in sorted(shown, key=lambda entry: entry[0].form)
    )
    return (head + columns + rows).encode("latin-1", "replace")


def folder(name: str, files: Iterable[str]) -> bytes:
    """What `index.json` says of a folder."""
    items = [{"name": file, "type": "file", "href": file, "size": "4 KB", "last-modified": ""} for file in files]
    return json.dumps({"directory": {"item": items, "name": name, "parent-dir": "../"}}).encode()


def submissions(latest: Sequence[Filing], older: Mapping[str, Sequence[Filing]], party: Party) -> bytes:
    """What one company or person is a party of: the latest filings in columns, and the names of the older pages."""
    roles = {one.role for filing in latest for one in filing.parties if one.cik == party.cik}
    tickers = {filing.ticker for filing in latest if "Issuer" in roles and filing.ticker}
    facts = {
        "cik": f"{party.cik:010}",
        "entityType": "operating" if "Issuer" in roles else "other",
        "sic": "",
        "sicDescription": "",
        "insiderTransactionForOwnerExists": int("Reporting" in roles),
        "insiderTransactionForIssuerExists": int("Issuer" in roles),
        "name": party.name,
        "tickers": sorted(tickers),
        "exchanges": ["Nasdaq" for _ in tickers],
        "formerNames": [],
        "filings": {
            "recent": _columns(latest, party),
            "files": [
                {
                    "name": name,
                    "filingCount": len(filings),
                    "filingFrom": f"{filings[-1].filed_on}",
                    "filingTo": f"{filings[0].filed_on}",
                }
                for name, filings in older.items()
            ],
        },
    }
    return json.dumps(facts).encode()


def older_submissions(filings: Sequence[Filing], party: Party) -> bytes:
    """An older page: columns, and nothing else."""
    return json.dumps(_columns(filings, party)).encode()


def tickers(filings: Iterable[Filing]) -> bytes:
    """Every issuer's ticker, by number, as the latest filing about it has it."""
    latest = {
        party.cik: {"cik_str": party.cik, "ticker": filing.ticker, "title": party.name}
        for filing in sorted(filings, key=lambda filing: filing.accepted_at)
        for party in filing.parties
        if party.role == "Issuer" and filing.ticker not in {"", "NONE"}
    }
    return json.dumps({f"{number}": entry for number, entry in enumerate(latest.values())}).encode()


def _columns(filings: Sequence[Filing], party: Party) -> dict[str, list[Any]]:
    """The filings in columns; the times of a party with an odd number are New York's in spite of their Z."""
    zone = NEW_YORK if party.cik % 2 else UTC
    texts, numbers = [""] * len(filings), [0] * len(filings)
    return {
        "accessionNumber": [filing.accession for filing in filings],
        "filingDate": [f"{filing.filed_on}" for filing in filings],
        "reportDate": texts,
        "acceptanceDateTime": [f"{filing.accepted_at.astimezone(zone):%Y-%m-%dT%H:%M:%S}.000Z" for filing in filings],
        "act": texts,
        "form": [filing.form for filing in filings],
        "fileNumber": texts,
        "filmNumber": texts,
        "items": texts,
        "core_type": [filing.form for filing in filings],
        "size": [len(filing.submission) for filing in filings],
        "isXBRL": numbers,
        "isInlineXBRL": numbers,
        "primaryDocument": [
            "xslF345X05/form4.xml" if filing.document else f"{filing.accession}.paper" for filing in filings
        ],
        "primaryDocDescription": [f"FORM {filing.form}" for filing in filings],
    }


def _entry(entry: Entry) -> str:
    filing, party = entry
    bare = filing.accession.replace("-", "")
    address = f"https://www.sec.gov/Archives/edgar/data/{party.cik}/{bare}/{filing.accession}-index.htm"
    return (
        f"<entry>\n<title>{filing.form} - {escape(party.name)} ({party.cik:010}) ({party.role})</title>\n"
        f'<link rel="alternate" type="text/html" href="{address}"/>\n'
        f'<summary type="html">\n &lt;b&gt;Filed:&lt;/b&gt; {filing.filed_on}'
        f" &lt;b&gt;AccNo:&lt;/b&gt; {filing.accession} &lt;b&gt;Size:&lt;/b&gt; 6 KB\n</summary>\n"
        f"<updated>{filing.accepted_at.astimezone(NEW_YORK).isoformat()}</updated>\n"
        f'<category scheme="https://www.sec.gov/" label="form type" term="{filing.form}"/>\n'
        f"<id>urn:tag:sec.gov,2008:accession-number={filing.accession}</id>\n</entry>\n"
    )


def _row(filing: Filing, party: Party) -> str:
    return f"{filing.filed_on:%Y%m%d}|edgar/data/{party.cik}/{filing.accession}.txt"
