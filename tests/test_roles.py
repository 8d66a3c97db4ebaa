import csv
import gzip
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Role
from bot.roles import LONGEST, Roles, classify

OFFICERS = {
    "Chief Executive Officer": Role.CEO,
    "President & CEO": Role.CEO,
    "PRESIDENT/CEO": Role.CEO,
    "Chairman, President and CEO": Role.CEO,
    "Chairman & CEO***": Role.CEO,
    "COB, CEO, 10%": Role.CEO,
    "Pres, CEO": Role.CEO,
    "Pres. & Chief Exec. Officer": Role.CEO,
    "CEO - See Remarks": Role.CEO,
    "CEO: Southern Africa": Role.CEO,
    "CEO of subsidiary": Role.CEO,
    "Co-CEO": Role.CEO,
    "C.E.O.": Role.CEO,
    "Trustee, President & CEO": Role.CEO,
    "Principal Executive Officer": Role.CEO,
    "Interim CFO": Role.CFO,
    "Acting Chief Financial Officer": Role.CFO,
    "EVP & CFO": Role.CFO,
    "COO/CFO": Role.CFO,
    "Exec VP/CFO/Sec": Role.CFO,
    "PFO": Role.CFO,
    "PEO": Role.CEO,
    "VP & CTO": Role.CTO,
    "Exec. Vice Chairman": Role.OFFICER,
    "EVP, CLO": Role.GC,
    "SVP, CAO": Role.ACCOUNTING,
    "PAO": Role.ACCOUNTING,
    "Ctrlr": Role.ACCOUNTING,
    "VP, Accounting Officer": Role.ACCOUNTING,
    "Sec., Tres.": Role.TREASURER,
    "EVP, CMO": Role.CHIEF,
    "CISO": Role.CHIEF,
    "CECO": Role.CHIEF,
    "EVPOperations": Role.VP,
    "Executive Officers": Role.OFFICER,
    "Principal Investment Offcr.": Role.OFFICER,
    "Corp. Dev. Off": Role.OFFICER,
    "Compliance Ofc": Role.OFFICER,
    "President & COO": Role.COO,
    "Chief Operations Officer": Role.COO,
    "Chief Tech. Officer": Role.CTO,
    "President": Role.PRESIDENT,
    "President, International Division": Role.PRESIDENT,
    "EVP & Pres. Metals": Role.PRESIDENT,
    "Ex VP, Pres. Metals": Role.PRESIDENT,
    "Executive Chairman": Role.CHAIR,
    "Exec. Chair": Role.CHAIR,
    "Exec COB, 10%": Role.CHAIR,
    "General Counsel": Role.GC,
    "Gen'l Counsel & Sec'y": Role.GC,
    "SVP, GC & CCO": Role.GC,
    "Chief Legal Officer": Role.GC,
    "VP, Controller, PAO": Role.ACCOUNTING,
    "Principal Acctg Officer": Role.ACCOUNTING,
    "Comptroller": Role.ACCOUNTING,
    "Vice President and Treasurer": Role.TREASURER,
    "Corporate Secretary": Role.SECRETARY,
    "Corp Secy": Role.SECRETARY,
    "Chief of Staff to the CEO": Role.CHIEF,
    "Chief People Officer": Role.CHIEF,
    "CHRO": Role.CHIEF,
    "Chf Commercial Ofc": Role.CHIEF,
    "Vice President": Role.VP,
    "Vice-President, Sales": Role.VP,
    "SVP-Finance": Role.VP,
    "CVP, Strategy": Role.VP,
    "SEVP": Role.VP,
    "Sr. V.P.": Role.VP,
    "V. P., Operations": Role.VP,
    "Exec. V-P": Role.VP,
    "SVP, Deputy CFO": Role.VP,
    "EVP and Vice Chairman": Role.VP,
    "EVP, Office of the Chairman": Role.VP,
    "Managing Director": Role.OFFICER,
    "Gen. Mgr., Pipes": Role.OFFICER,
    "GM": Role.OFFICER,
    "Officer of Subsidiary": Role.OFFICER,
    "Ｃｈｉｅｆ Ｅｘｅｃｕｔｉｖｅ Ｏｆｆｉｃｅｒ": Role.CEO,
    "C\u200bEO": Role.CEO,
}

NOT_OFFICERS = [
    "Director",
    "Dir, 10%",
    "Lead Independent Director",
    "Member of the Board of Directors",
    "10% Owner",
    "Beneficial owner of more than 10%",
    "Non-Executive Chairman of the Board",
    "Confidentiality agreement",
    "Affiliate",
    "Shareholder",
    "Employee of the Company",
    "Former CEO",
    "Formerly President",
    "Fmr CFO",
    "Ex CEO",
    "Previously EVP",
    "Prior CEO",
    "CFO until June",
    "President (deceased)",
    "Not an officer",
    "Non-officer",
    "Former Director and 10% Owner",
    "Ex-CEO",
    "Ex-VP",
    "CFO (resigned 6/1/2020)",
    "Retired Chief Financial Officer",
    "CEO Emeritus",
    "Past President",
    "Member of 10% owner group",
    "Member of Section 13(d) Group",
    "Possible Member of a Group",
    "Group member",
    "10% group",
    "Wife of CEO",
    "Husband of CEO",
    "Advisor to CEO",
    "Senior Adviser",
    "Consultant",
    "Trustee",
    "*Director by Deputization, 10%",
    "May be deemed affiliate",
    "Portfolio Manager",
    "Entity Under Common Control",
    "Assistant to the Chief Executive Officer",
    "CEO of 10% Owner",
    "Spouse of President",
]

UNDECIDED = [
    "Chairman",
    "Chairman of the Board",
    "COB, 10%",
    "Vice Chairman",
    "Director, M&A",
    "Director of Sales",
    "Executive Director",
    "Medical Director",
    "Head of Commercial",
    "Founder",
    "Editor-in-Chief",
    "Assistant Secretary",
    "Contractor",
    "Cooper",
    "Prescription Services",
    "SEC Reporting Manager",
    "Quality Control",
]

NOTHING_SAID = [
    "See Remarks",
    "See remarks below.",
    "Please see remarks",
    "See footnote (2)",
    "Remarks",
    "(1)",
    "***",
    "N/A",
    "None",
    "Other",
    "Unknown",
    " ",
    "",
]


@pytest.mark.parametrize(("title", "role"), OFFICERS.items())
def test_an_officer_s_title_makes_an_officer_of_the_most_senior_role(title, role):
    found = classify(title)
    assert (found.role, found.is_officer) == (role, True)


@pytest.mark.parametrize("title", NOT_OFFICERS)
def test_a_title_of_somebody_else_makes_no_officer(title):
    assert classify(title).is_officer is False


@pytest.mark.parametrize("title", UNDECIDED)
def test_a_title_that_could_be_either_is_left_open(title):
    assert classify(title).is_officer is None


@pytest.mark.parametrize("title", [*NOTHING_SAID, None])
def test_a_title_that_says_nothing_is_unknown(title):
    assert classify(title) == Roles(Role.UNKNOWN, None, None, None)


@pytest.mark.parametrize(
    "title",
    [
        "Director",
        "Dir, CFO",
        "Co-CEO and Director",
        "Interim CEO, Director",
        "Acting COO, Director",
        "Sr. Exec. VP, Director",
        "Senior VP, Director",
        "Corp. Secretary, Director",
        "Director, Founder",
        "Director of the Company",
        "Director to the Issuer",
        "A Director",
        "Director, 10% Owner",
        "Board Member",
    ],
)
def test_a_seat_on_the_board_is_seen(title):
    assert classify(title).is_director is True


@pytest.mark.parametrize(
    "title",
    ["Managing Director", "Executive Director", "Director, M&A", "VP, Director of Tax", "Affiliate of Director", "CTO"],
)
def test_not_every_director_sits_on_the_board(title):
    assert classify(title).is_director is None


@pytest.mark.parametrize(
    "title",
    ["10% Owner", ">10% stockholder", "CEO, 10%", "Beneficial owner of 10%", "Ten percent owner", "10 % holder"],
)
def test_a_ten_percent_owner_is_seen(title):
    assert classify(title).is_ten_percent is True


@pytest.mark.parametrize("title", ["CEO", "Former 10% Owner", "110% bonus plan", None])
def test_others_are_not_taken_for_ten_percent_owners(title):
    assert classify(title).is_ten_percent is None


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Director", "director"),
        ("10% Owner", "ten_percent"),
        ("Chairman", "chair"),
        ("Founder", "other"),
        ("Former CEO", "other"),
    ],
)
def test_who_is_no_officer_still_has_a_role(title, role):
    assert classify(title).role == role


@pytest.mark.parametrize("title", [*UNDECIDED, *NOT_OFFICERS, *NOTHING_SAID, None])
def test_the_filing_s_yes_wins_over_every_title(title):
    found = classify(title, flag=True)
    assert found.is_officer is True
    assert found.role in {Role.OFFICER, Role.CHAIR}


@pytest.mark.parametrize("title", [*UNDECIDED, *NOT_OFFICERS, *NOTHING_SAID, None])
def test_the_filing_s_no_settles_what_the_title_leaves_open(title):
    assert classify(title, flag=False) == replace(classify(title), is_officer=False)


def test_a_person_reported_as_other_with_an_officer_s_title_counts():
    assert classify("Chief Accounting Officer", flag=False).is_officer is True


@pytest.mark.parametrize(
    "title",
    [
        "Executive Vice President and Chief Administrative Officer",
        "Senior Vice President, Human Resources and Communications",
        "EVP & Chief Manufacturing and Supply Chain Officer",
        "Chairman of the Board, President and Chief Executive Officer",
        "Corporate Controller and Principal Accounting Officer",
        "Senior Managing Director, Europe and Middle East",
    ],
)
def test_an_officer_s_title_cut_short_stays_an_officer_s(title):
    assert [classify(title[:length]).is_officer for length in range(30, len(title) + 1)] == [True] * (len(title) - 29)


@pytest.mark.parametrize(
    "cut", ["Executive Vice P", "Executive Vice Presid", "Region North, General Couns", "Co-Founder & Secre"]
)
def test_a_cut_word_is_still_read(cut):
    assert classify(cut).is_officer is True


@given(
    st.text() | st.text(st.characters(categories=["Cs", "Cf", "Mn", "Nd", "Po"])), st.sampled_from([None, True, False])
)
def test_any_text_has_an_answer(text, flag):
    assert classify(text, flag=flag).is_officer in {True, False, None}


@given(st.sampled_from([*OFFICERS, *NOT_OFFICERS, *UNDECIDED]), st.sampled_from(["\t", "  ", "\u00a0", " \n "]))
def test_case_and_spacing_do_not_matter(title, space):
    assert classify(f"{space}{title.swapcase().replace(' ', space)}{space}") == classify(title)


@given(st.sampled_from(sorted(OFFICERS)), st.sampled_from(["Former ", "former", "Ex-", "Retired ", "Advisor to "]))
def test_whoever_was_an_officer_is_none(title, prefix):
    assert classify(f"{prefix.strip()} {title}" if prefix != "Ex-" else prefix + title).is_officer is False


@given(
    st.sampled_from(sorted(OFFICERS)), st.sampled_from(["Director", "10% Owner", "Founder", "See Remarks", "Zwiebel"])
)
def test_what_stands_beside_an_officer_s_title_takes_nothing_away(title, other):
    assert classify(f"{other}, {title}").is_officer is True
    assert classify(f"{title}, {other}").role == classify(title).role


@pytest.mark.parametrize("part", ["a", "a ", "CEO ", "member of ", "chair of the ", "(c.", "\ufdfa", "see "])
def test_an_overlong_text_is_no_title(part):
    assert classify(part * 10_000) == classify(None)


@pytest.mark.parametrize("part", ["a", "a ", "member of ", "vice chair of the ", "(c.", "see ", "ex-", "sr exec vice "])
def test_the_worst_text_costs_next_to_nothing(part):
    title = (part * LONGEST)[:LONGEST].strip()
    began = time.process_time()
    for _ in range(10):
        classify(title)
    assert time.process_time() - began < 1


@pytest.mark.corpus
def test_real_filings_agree_with_their_own_flag(corpus: Path):
    right = wrong = missed = 0
    for file in sorted((corpus / "edgar/form4_xml").glob("*.xml")):
        for person in ElementTree.parse(file).iter("reportingOwnerRelationship"):
            flag = person.findtext("isOfficer", "").strip() in {"1", "true"}
            title = person.findtext("officerTitle", "").strip()
            if not title:
                continue
            named = classify(title).is_officer is True
            right, wrong, missed = right + (named and flag), wrong + (named and not flag), missed + (flag and not named)
    assert wrong == 0
    assert right > 100
    assert right / (right + missed) > 0.97


@pytest.mark.corpus
def test_nearly_every_title_on_a_real_page_is_decided(corpus: Path):
    with gzip.open(corpus / "finviz/finviz_insider_2023.csv.gz", "rt", encoding="utf-8", newline="") as file:
        titles = {row["Relationship"] for row in csv.DictReader(file)}
    said = {title for title in titles if "remarks" not in title.lower()}
    assert len(said) > 1000
    assert len([title for title in said if classify(title).is_officer is None]) < 0.02 * len(said)


@pytest.mark.corpus
def test_more_is_seen_than_by_a_search_for_words(corpus: Path):
    rows = pd.read_parquet(
        corpus / "openinsider/insider_trades.parquet", columns=["title", "is_officer"]
    ).drop_duplicates()
    ours = [classify(title).is_officer for title in rows["title"]]
    found, missed = [], []
    for title, plain, own in zip(rows["title"], rows["is_officer"], ours, strict=True):
        if own is True and not plain:
            found.append(title)
        if plain and own is not True:
            missed.append(title)
    assert all("exec" in title.lower() for title in found)  # executive chairs
    assert len(missed) < 0.01 * len(rows)
