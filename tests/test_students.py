"""The class list as platforms export it, and whom a name means: never a silent guess."""

import contextlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.assignment.intake.students import ClassList, Student, identify, missing, roster
from microgpt.assignment.intake.submissions import find_submissions, recognise
from microgpt.errors import InputError

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (5501),Current Score
,,,,,Manual Posting,
    Points Possible,,,,,100,(read only)
"Doe, Jane",1234,s77,jdoe,CS 1,,
"Doe, Jane",1299,s78,jdoe2,CS 1,,
"Łukasiewicz, Zoë",1300,s79,zluk,CS 1,,
"Student, Test",99,,b1946ac92492d234,CS 1,,
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments
Participant 77,Jane Doe,jane@x.org,Submitted,,100.00,
Participant 78,Jane Doe,jd@x.org,Submitted,,100.00,
"""
GRADESCOPE = """\
First Name,Last Name,SID,Email,Role,Section
Jane,Doe,1234,jane@x.org,Student,A
Adam,Roe,,adam@x.org,Student,A
Ada,Teacher,,ada@x.org,Instructor,
"""
CLASSROOM = """\
"identifier","github_username","github_id","name"
"jane@x.org","jdoe","40261856",""
"Roe, Adam","","",""
"""


def listed(folder: Path, text: str | bytes) -> list[Student]:
    path = folder / "roster.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return roster(path)


# ---------------------------------------------------------------- a list of one's own


@pytest.mark.parametrize(
    "text",
    [
        "id,name,email\n1,Jane Doe,j@x.org\n2,Zoë Ü,\n",
        "\ufeffid;name;email\r\n1;Jane Doe;j@x.org\r\n\r\n2;Zoë Ü;\r\n",
        "E-Mail\tStudent ID\tFull Name\nj@x.org\t1\tJane Doe\n\t2\tZoë Ü",
        'Last Name,First Name,SID,Email\nDoe,Jane,1,j@x.org\n"Ü","Zoë",2\n',
    ],
)
def test_class_lists(tmp_path, text):
    assert listed(tmp_path, text) == [Student("1", "Jane Doe", "j@x.org"), Student("2", "Zoë Ü")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("id,name,email\n", "a header and no students"),
        ("name,email\nJane,j@x\n", "no column id"),
        ("id,email\n1,j@x\n", "no column name"),
        ("Jane Doe,j@x.org\n", "no column id and no column name"),
        ("id,name\n1,a\n1,b\n", "the id '1' occurs twice, again in row 3"),
        ("id,name\nAb,a\naB,b\n", "occurs twice"),
        ("id,name\n,Jane\n", "row 2 has no id"),
        ("id,id,name\n1,2,a\n", "two columns 'id'"),
        (b"id,name\n1,M\xfcller\n", "not UTF-8"),
        ("id,name\n1,a".encode("utf-16"), "not UTF-8"),
        ('id,name\n1,"a\n', "not a readable CSV"),
        ("id,name\n1,\x00\n", "not UTF-8"),
    ],
)
def test_class_lists_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        listed(tmp_path, text)
    assert caught.value.remedy


def test_who_is_who():
    jane, adam = Student("1234", "Jane Doe", "jane@x.org"), Student("77", "Adam Doe", "a@x.org")
    emile = Student("e9", "Émile Zola", "")
    everybody = [jane, adam, emile]
    for name, student in {
        "1234": jane,
        "doejane_1234": jane,
        "doejane_99_1": jane,
        "doejane_LATE_99": jane,
        "jane@x.org": jane,
        "Jane Doe_55": jane,
        "Doe, Jane": jane,
        "zolaemile_3": emile,
        "E9": emile,
        "a@x.org": adam,
        "doe_5": None,
        "": None,
        "eve": None,
    }.items():
        assert identify(name, everybody) == student, name
    twins = [Student("1", "Jane Doe"), Student("2", "Jane Doe")]
    assert identify("doejane_5", twins) is None
    assert missing(everybody, ["1234", "E9"]) == [adam]


@given(st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=6))
def test_no_class_list_breaks_it(tmp_path_factory, rows):
    text = "\n".join(",".join(row) for row in [["id", "name"], *rows])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InputError):
        assert all(student.id for student in roster(path))


# ---------------------------------------------------------------- lists of platforms


def test_a_canvas_gradebook_is_a_class_list_as_it_is(tmp_path):
    students = listed(tmp_path, "\ufeff" + CANVAS)
    assert students == [
        Student("1234", "Doe, Jane", "", ("s77", "jdoe"), number="Canvas 1234"),
        Student("1299", "Doe, Jane", "", ("s78", "jdoe2"), number="Canvas 1299"),
        Student("1300", "Łukasiewicz, Zoë", "", ("s79", "zluk"), number="Canvas 1300"),
    ]


def test_lists_of_the_other_platforms(tmp_path):
    assert listed(tmp_path, MOODLE) == [
        Student("77", "Jane Doe", "jane@x.org", ("Participant 77",)[1:], number="Moodle 77"),
        Student("78", "Jane Doe", "jd@x.org", number="Moodle 78"),
    ]
    assert listed(tmp_path, MOODLE.replace("Participant ", "Teilnehmer/in"))[0].id == "77"
    assert listed(tmp_path, GRADESCOPE) == [
        Student("1234", "Jane Doe", "jane@x.org"),
        Student("adam@x.org", "Adam Roe", "adam@x.org"),
    ]
    assert listed(tmp_path, CLASSROOM) == [
        Student("jane@x.org", "", "jane@x.org", github="jdoe"),
        Student("Roe, Adam", "Roe, Adam"),
    ]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("Łukasz Wójcik", ["Lukasz Wojcik", "wojciklukasz_5", "Wójcik, Łukasz", "WÓJCIK ŁUKASZ"]),
        ("Søren Kjær", ["Soren Kjaer", "kjaersoren_1", "Soeren Kjaer", "SØREN KJÆR"]),
        ("Jörg Weiß", ["Joerg Weiss", "jorg weiß", "weissjoerg_3", "Weiß Jörg"]),
        ("Joerg Weiss", ["Jörg Weiß"]),
        ("Đặng Thị Hoa", ["dang thi hoa", "Hoa Đặng Thị", "hoathidang_7"]),
        ("Zoë Šimůnková", ["Zoe Simunkova", "simunkovazoe_2", "Šimůnková, Zoë"]),
        ("Anne-Marie O'Neil", ["ONeil, Anne Marie", "annemarieoneil_4", "O’Neil, Anne-Marie"]),
        ("Jan van der Berg", ["van der Berg, Jan", "vanderbergjan_6", "Berg, Jan van der"]),
        ("Doe, Jane", ["Jane Doe", "Doe Jane", "doejane_9"]),
        ("Müller, Ayşe Işık", ["Ayse Isik Mueller", "mullerayseisik_8"]),
    ],
)
def test_names_match_across_letters_and_orders(name, files):
    wanted = Student("1", name)
    everybody = ClassList([wanted, Student("s2", "Somebody Else")])
    for file in files:
        for form in ("NFC", "NFD"):
            assert everybody.who(unicodedata.normalize(form, file)).student == wanted, file
    apart = ClassList([Student("1", unicodedata.normalize("NFD", name))])
    assert all(apart.who(file).student is not None for file in files)


def test_two_people_of_one_name_are_told_apart_by_number(tmp_path):
    canvas = ClassList(listed(tmp_path, CANVAS))
    for file, ident in {
        "doejane_1234": "1234", "doejane_1299": "1299", "renamed_1299": "1299",
    }.items():  # fmt: skip
        who = canvas.who(file, f"Canvas {file[-4:]}")
        assert who.student is not None and who.student.id == ident
    assert canvas.who("s78").student == canvas.who("jdoe2").student == canvas.who("1299").student
    moodle = ClassList(listed(tmp_path, MOODLE))
    assert moodle.who("Jane Doe_78", "Moodle 78").student.id == "78"
    assert moodle.who("Participant_77", "Moodle 77").student.id == "77"
    assert moodle.who("jd@x.org").student.id == "78"


def test_what_cannot_be_told_is_no_guess(tmp_path):
    canvas = ClassList(listed(tmp_path, CANVAS))
    for name, user in {
        "Jane Doe": "", "doejane_555": "Canvas 555", "lukasiewiczzoe_1234": "Canvas 1234",
    }.items():  # fmt: skip
        who = canvas.who(name, user)
        assert who.student is None and who.maybe and who.why, name
    own = [Student("77", "Adam Roe"), Student("12", "Jane Doe")]
    for name in ("doejane_77", "stranger_77"):  # the platform's 77 needn't be the school's
        who = ClassList(own).who(name, "Canvas 77")
        assert who.student is None and own[0] in who.maybe, name
    assert ClassList(own).who("roeadam_77", "Canvas 77").student == own[0]
    assert ClassList(own).who("doejane_99", "Canvas 99").student == own[1]
    assert identify("stranger_5", own) is None


def found_in(folder: Path, names: list[str], students: list[Student]) -> dict[str, list[str]]:
    for name in names:
        (folder / "class").mkdir(exist_ok=True)
        (folder / "class" / name).write_bytes(b"print()\n")
    found = recognise(find_submissions(folder / "class"), students)
    return {one.student: [path.name for path in one.paths] for one in found}


def test_namesakes_keep_the_name_of_their_file_and_a_note(tmp_path):
    students = listed(tmp_path, CANVAS)
    names = ["doejane_1234_1_bot.py", "doejane_888_2_bot.py", "Jane Doe.py"]
    assert found_in(tmp_path, names, students) == {
        "Jane Doe": ["Jane Doe.py"],
        "1234": ["doejane_1234_1_bot.py"],
        "doejane_888": ["doejane_888_2_bot.py"],
    }
    by_name = {
        one.student: one for one in recognise(find_submissions(tmp_path / "class"), students)
    }
    for unknown in ("Jane Doe", "doejane_888"):
        assert by_name[unknown].maybe == ("1234", "1299")
        assert by_name[unknown].notes == (
            "it isn't clear who this is: the class list has 2 people who may go by this name",
        )
    assert by_name["1234"].notes == ()


def test_several_platform_numbers_are_several_people(tmp_path):
    students = [Student("s1", "Jane Doe"), Student("s2", "Adam Roe")]
    names = ["doejane_11_1_bot.py", "doejane_12_2_bot.py", "roeadam_13_3_bot.py", "Adam Roe.zip"]
    assert found_in(tmp_path, names, students) == {
        "doejane_11": ["doejane_11_1_bot.py"],
        "doejane_12": ["doejane_12_2_bot.py"],
        "s2": ["Adam Roe.zip", "roeadam_13_3_bot.py"],
    }


def test_a_thousand_in_a_list_of_a_thousand(tmp_path):
    students = [Student(str(10_000 + i), f"First{i} Last{i}") for i in range(1000)]
    everybody = ClassList(students)
    for i, student in enumerate(students):
        assert everybody.who(f"last{i}first{i}_5{i}", f"Canvas 5{i}").student == student
