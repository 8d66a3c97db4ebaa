"""EDGAR's pages about filings: the Atom feed, the daily indexes and their folder, and one company's submissions.

The markup follows recorded pages, with what is awkward about them: each filing once per party, headings that are
wrapped and do not stand above their columns, and a Z behind times that are New York's.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from html import escape
from typing import Final

from bot.demo.edgar.filings import Filing, Party
from bot.demo.market import NEW_YORK

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


def submissions(filings: Sequence[Filing], party: Party) -> bytes:
    """Everything one company or person is a party of, in columns; the times are New York's in spite of their Z."""
    recent = {
        "accessionNumber": [filing.accession for filing in filings],
        "filingDate": [f"{filing.filed_on}" for filing in filings],
        "acceptanceDateTime": [
            f"{filing.accepted_at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}.000Z" for filing in filings
        ],
        "form": [filing.form for filing in filings],
        "primaryDocument": ["xslF345X05/form4.xml" for _ in filings],
    }
    facts = {"cik": f"{party.cik:010}", "name": party.name, "filings": {"recent": recent, "files": []}}
    return json.dumps(facts).encode()


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
