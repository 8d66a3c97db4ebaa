import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.instruments.names import similar


@pytest.mark.parametrize(
    ("source", "service"),
    [
        ("Northwind Robotics, Inc.", "NORTHWIND ROBOTICS INC"),
        ("Northwind Robotics Corporation", "NORTHWIND ROBOTICS CORP-CL A"),
        ("NORTHWIND ROBOTICS CORP /DE/", "NORTHWIND ROBOTICS CORP"),
        ("International Bolt Manufacturing Co", "INTL BOLT MFG CO"),
        ("Harbor Lane Holdings plc", "HARBOR LANE HLDGS PLC"),
        ("Solvik ASA", "SOLVIK ASA-SPON ADR"),
        ("Kite & Lantern Inc.", "KITE & LANTERN INC-CL C"),
        ("Fenwick Street Flavors & Fragrances Inc", "FENWICK STREET FLAVORS & FRA"),
        ("Ostrander Freight Systems of Washington, Inc.", "OSTRANDER FREIGHT SYSTEMS OF"),
        ("TARN A B TRANSPORT SERVICES INC", "AB TARN TRANSPRT SVCS INC"),
        ("O'Malley Tools Inc", "O MALLEY TOOLS INC"),
        ("Crédit Alpin SA", "CREDIT ALPIN SA"),
        ("First Bancorp", "FIRST BANCORP"),
        ("The X Company", "X CO/THE"),
    ],
)
def test_spellings_of_one_company_are_similar(source: str, service: str) -> None:
    assert similar(source, service)
    assert similar(service, source)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Northwind Robotics, Inc.", "NORTHWIND FOODS INC"),
        ("United Harbor Bancorp", "UNITED MEADOW BANCORP"),
        ("First National Energy Corp", "FIRST NATIONAL FOODS CORP"),
        ("Twin Oaks Milling Co", "TWINSPIRE SOFTWARE INC"),
        ("Granite Peak Petroleum Corp", "HARBOR LANE HOLDINGS-CL A"),
        ("General Therapeutics Inc", "GLOBAL THERAPEUTICS INC"),
        ("Intal Corp", "INTERNATIONAL BOLT MFG CO"),
        ("Bce Inc", "BALDCHESTER CORP"),
        ("", "NORTHWIND ROBOTICS INC"),
        ("", ""),
        ("---", "***"),
    ],
)
def test_different_companies_are_not_similar(one: str, other: str) -> None:
    assert not similar(one, other)
    assert not similar(other, one)


@given(st.text(max_size=40), st.text(max_size=40))
def test_it_is_symmetric_on_any_text(one: str, other: str) -> None:
    assert similar(one, other) == similar(other, one)


@given(st.text(max_size=40).filter(lambda text: any(letter.isascii() and letter.isalnum() for letter in text)))
def test_a_name_is_similar_to_itself(name: str) -> None:
    assert similar(name, name)
