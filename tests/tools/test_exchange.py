"""Files of the conversation in a session, and what comes out of it: hostile names, sizes and numbers."""

from collections.abc import AsyncGenerator

import pytest

from projectdavid.ports.sandbox import Event, RunDone, SandboxLimits
from projectdavid.ports.tool import ToolOutput
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.sessions.session_files import MAX_FILES, MAX_SIZE
from projectdavid.tools.sessions.sessions import SessionPool
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock, ToySandbox, ToySession

pytestmark = pytest.mark.anyio


class Bench:
    """A code interpreter over a toy sandbox, in which "code" is what a test does to the session while it runs."""

    def __init__(self, disk: int = 1 << 20) -> None:
        self.conversation = Conversation()
        self.sandbox = ToySandbox(self._play)
        self.sessions = SessionPool(self.sandbox, Clock(), SandboxLimits(disk=disk))
        self.tool = CodeInterpreter(self.sessions)
        self.writes: dict[str, bytes] = {}

    async def _play(self, session: ToySession, source: str) -> AsyncGenerator[Event]:
        for name, data in self.writes.items():
            session.write(name, data)
        yield RunDone("ok")

    @property
    def session(self) -> ToySession:
        return self.sandbox.opened[-1]

    async def run(self, **writes: bytes) -> ToolOutput:
        return await self.write(writes)

    async def write(self, writes: dict[str, bytes]) -> ToolOutput:
        """A call whose code writes these files."""
        self.writes = writes
        return await self.conversation.run(self.tool, code="...")

    def there(self) -> dict[str, bytes]:
        return {name: data for name, (data, _) in self.session.contents.items()}


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_files_of_the_conversation_are_there_under_their_names(bench: Bench) -> None:
    bench.conversation.upload("data.csv", b"a,b\n")
    bench.conversation.upload("../../etc/notes.txt", b"hello")
    output = await bench.run()
    assert bench.there() == {"data.csv": b"a,b\n", "notes.txt": b"hello"}
    assert output.files == ()
    assert output.text.endswith("[New in /mnt/data: data.csv, notes.txt.]")
    bench.conversation.upload("more.csv", b"1")
    assert (await bench.run()).text.endswith("[New in /mnt/data: more.csv.]")
    assert "New in" not in (await bench.run()).text
    assert bench.there()["more.csv"] == b"1"


@pytest.mark.parametrize("calls_between", [False, True])
async def test_files_of_one_name_are_all_there_and_the_model_is_told(bench: Bench, calls_between: bool) -> None:
    texts: list[str] = []
    for data in (b"one", b"two", b"three"):
        bench.conversation.upload("report.csv", data)
        if calls_between:
            texts.append((await bench.run()).text)
    texts.append((await bench.run()).text)
    assert bench.there() == {"report.csv": b"one", "report-2.csv": b"two", "report-3.csv": b"three"}
    told = "".join(texts)
    for path in ("report-2.csv", "report-3.csv"):
        assert told.count(f"The file report.csv is stored as {path}, because another file has its name.") == 1
    bench.session.die()
    await bench.run()
    assert bench.there() == {"report.csv": b"one", "report-2.csv": b"two", "report-3.csv": b"three"}


async def test_a_file_that_is_given_once_more_is_there_once(bench: Bench) -> None:
    bench.conversation.upload("report.csv", b"one")
    await bench.run()
    bench.conversation.upload("report.csv", b"one")
    assert "report" not in (await bench.run()).text
    await bench.write({"report.csv": b"changed"})
    bench.conversation.upload("report.csv", b"one")
    await bench.run()
    assert bench.there() == {"report.csv": b"changed", "report-2.csv": b"one"}


async def test_a_second_file_of_a_name_keeps_its_path_when_the_code_changes_it(bench: Bench) -> None:
    bench.conversation.upload("report.csv", b"one")
    bench.conversation.upload("report.csv", b"two")
    await bench.run()
    (changed,) = (await bench.write({"report-2.csv": b"two, changed"})).files
    assert changed.name == "report-2.csv"
    bench.session.die()
    await bench.run()
    assert bench.there() == {"report.csv": b"one", "report-2.csv": b"two, changed"}


async def test_a_file_that_another_session_of_the_thread_wrote_again_is_replaced(bench: Bench) -> None:
    other = CodeInterpreter(SessionPool(ToySandbox(bench._play), Clock()))
    bench.writes = {"out.csv": b"1"}
    await bench.conversation.run(other, code="...")
    await bench.run()
    bench.writes = {"out.csv": b"2"}
    await bench.conversation.run(other, code="...")
    await bench.run()
    assert bench.there() == {"out.csv": b"2"}


async def test_a_file_that_the_code_has_changed_is_not_overwritten(bench: Bench) -> None:
    bench.conversation.upload("data.csv", b"old")
    (mine,) = (await bench.write({"data.csv": b"mine"})).files
    assert mine.name == "data.csv"
    bench.conversation.upload("data.csv", b"theirs")
    output = await bench.run()
    assert bench.there() == {"data.csv": b"mine", "data-2.csv": b"theirs"}
    assert "data.csv is stored as data-2.csv" in output.text


async def test_a_file_that_the_code_has_deleted_stays_deleted(bench: Bench) -> None:
    bench.conversation.upload("data.csv", b"old")
    await bench.run()
    del bench.session.contents["data.csv"]
    await bench.run()
    assert bench.there() == {}


async def test_what_the_code_wrote_is_not_put_back_into_its_own_session_but_into_the_next(bench: Bench) -> None:
    await bench.write({"out.csv": b"1"})
    (again,) = (await bench.write({"out.csv": b"2"})).files
    assert bench.conversation.content(again) == b"2"
    await bench.run()
    assert bench.there() == {"out.csv": b"2"}
    bench.session.die()
    await bench.run()
    assert bench.there() == {"out.csv": b"2"}
    assert len(bench.sandbox.opened) == 2


async def test_a_file_that_does_not_fit_is_left_out_and_the_model_is_told_once() -> None:
    bench = Bench(disk=1000)
    bench.conversation.upload("big.bin", b"x" * 1001)
    bench.conversation.upload("small.txt", b"y" * 600)
    bench.conversation.upload("second.txt", b"z" * 600)
    output = await bench.run()
    assert bench.there() == {"small.txt": b"y" * 600}
    assert "big.bin is not in /mnt/data: it has 1.0 kB, but only 1.0 kB are free there." in output.text
    assert "second.txt is not in /mnt/data: it has 600 bytes, but only 400 bytes are free there." in output.text
    assert "not in /mnt/data" not in (await bench.run()).text


async def test_a_file_that_cannot_be_put_or_was_deleted_is_named(bench: Bench) -> None:
    bench.conversation.upload("refused.csv", b"1")
    bench.conversation.delete(bench.conversation.upload("deleted.csv", b"2"))
    bench.conversation.upload("fine.csv", b"3")
    output = await bench.run()
    assert bench.there() == {"fine.csv": b"3"}
    assert "refused.csv is not in /mnt/data: there is a folder of that name." in output.text
    assert "deleted.csv is not in /mnt/data: the file 'deleted.csv' was deleted" in output.text


async def test_files_that_were_written_or_changed_become_files_of_the_owner(bench: Bench) -> None:
    first = await bench.write({"b.csv": b"1", "a.csv": b"2"})
    assert [file.name for file in first.files] == ["a.csv", "b.csv"]
    assert first.details["files"] == [file.id for file in first.files]
    assert "Files for the user:\n- a.csv (1 bytes)\n- b.csv (1 bytes)" in first.text
    second = await bench.write({"b.csv": b"changed"})
    assert [(file.name, bench.conversation.content(file)) for file in second.files] == [("b.csv", b"changed")]
    assert (await bench.run()).files == ()


async def test_a_file_that_was_written_between_calls_is_found_at_the_next(bench: Bench) -> None:
    await bench.run()
    bench.session.write("late.txt", b"x")
    bench.conversation.upload("data.csv", b"1")
    assert [file.name for file in (await bench.run()).files] == ["late.txt"]


async def test_names_are_made_harmless_and_stay_apart(bench: Bench) -> None:
    wrote = {"a/out.csv": b"1", "b/out.csv": b"2", "\x1b[31mred\n.txt": b"3", "x" * 250: b"4"}
    output = await bench.write(wrote)
    names = {bench.conversation.content(file): file.name for file in output.files}
    assert names == {b"1": "out.csv", b"2": "out-2.csv", b"3": "_[31mred_.txt", b"4": "x" * 200}
    assert "out-2.csv (1 bytes, from b/out.csv)" in output.text
    assert "\x1b" not in output.text
    again = await bench.write({"b/out.csv": b"22"})
    assert [file.name for file in again.files] == ["out-2.csv"], "a path keeps its name"


async def test_a_file_in_a_folder_does_not_take_the_name_of_one_that_was_given(bench: Bench) -> None:
    bench.conversation.upload("data.csv", b"1")
    output = await bench.write({"out/data.csv": b"2"})
    assert [file.name for file in output.files] == ["data-2.csv"]


async def test_what_programs_keep_for_themselves_is_not_saved(bench: Bench) -> None:
    output = await bench.write({".cache/x": b"1", "__pycache__/m.pyc": b"2", ".bash_history": b"3", "m.py": b"4"})
    assert [file.name for file in output.files] == ["m.py"]


async def test_no_more_than_fifty_files_come_out_of_one_call(bench: Bench) -> None:
    output = await bench.write({f"{number:03}.txt": b"x" for number in range(MAX_FILES + 30)})
    assert [file.name for file in output.files] == [f"{number:03}.txt" for number in range(30, MAX_FILES + 30)]
    assert "a call can create at most 50 files: 029.txt, 028.txt" in output.text
    assert "020.txt and 20 more. Pack them into one archive." in output.text
    assert (await bench.run()).files == (), "they are not pushed onto the next call"


VENV = {
    "v/pyvenv.cfg": b"x",
    "v/bin/activate": b"x",
    "v/lib/python3.11/site-packages/pip/a.py": b"x",
    "v/lib64/x.txt": b"x",
}


@pytest.mark.parametrize(
    ("wrote", "saved"),
    [
        (VENV | {"result.csv": b"1"}, ["result.csv"]),
        ({"lib/site-packages/a.py": b"x", "lib/mine.py": b"1"}, ["mine.py"]),
        ({"target/CACHEDIR.TAG": b"x", "target/debug/app": b"x", "src/main.rs": b"1"}, ["main.rs"]),
        ({"c/conda-meta/history": b"x", "c/bin/python": b"x", "a.txt": b"1"}, ["a.txt"]),
        ({"node_modules/x/i.js": b"x", "i.js": b"1"}, ["i.js"]),
        ({"a.db": b"1", "a.db-wal": b"x", "a.db-shm": b"x", "b.sqlite-journal": b"1"}, ["a.db", "b.sqlite-journal"]),
        ({f"build/{n}.o": b"x" for n in range(60)} | {"main.c": b"1", "app": b"2"}, ["app", "main.c"]),
        ({"only.o": b"1"}, ["only.o"]),
        ({"pyvenv.cfg": b"1", "a.txt": b"2"}, ["a.txt", "pyvenv.cfg"]),
    ],
)
async def test_environments_caches_and_side_files_are_not_results(
    bench: Bench, wrote: dict[str, bytes], saved: list[str]
) -> None:
    assert [file.name for file in (await bench.write(wrote)).files] == saved


async def test_the_model_is_told_once_that_an_environment_is_not_saved(bench: Bench) -> None:
    assert "Not saved, because they belong to programs: v." in (await bench.write(VENV)).text
    assert "Not saved" not in (await bench.write({"v/bin/more": b"x"})).text
    objects = {f"{n}.o": b"x" for n in range(4)}
    assert "belong to programs: 4 object files." in (await bench.write(objects)).text


@pytest.mark.parametrize(
    ("crowd", "result"),
    [
        ([f"build/o{n}.class" for n in range(70)], "result.csv"),
        ([f"build/o{n}.class" for n in range(70)], "deep/er/z.csv"),
        ([f"a{n}.aux" for n in range(70)], "z/result.csv"),
        ([f"part-{n}.csv" for n in range(70)], "summary.txt"),
        ([f"frames/{n}.png" for n in range(70)], "video.mp4"),
        ([f"a/b/{n}.txt" for n in range(70)], "z.txt"),
        ([f"{n:03}.txt" for n in range(70)], "zzz.txt"),
    ],
)
async def test_of_many_files_the_results_are_saved_whatever_their_names(
    bench: Bench, crowd: list[str], result: str
) -> None:
    output = await bench.write(dict.fromkeys([*crowd, result], b"x"))
    assert len(output.files) == MAX_FILES
    assert result.rpartition("/")[2] in [file.name for file in output.files]
    assert "a call can create at most 50 files" in output.text


async def test_a_file_is_not_larger_than_it_may_be_whatever_size_the_session_claims(bench: Bench) -> None:
    await bench.run()
    bench.session.sizes["big.bin"] = 1
    output = await bench.write({"big.bin": b"x" * (MAX_SIZE + 1), "small.txt": b"y"})
    assert [file.name for file in output.files] == ["small.txt"]
    assert "Not saved: big.bin is larger than 52.4 MB." in output.text


async def test_a_file_that_the_owner_has_no_room_for_is_named(bench: Bench) -> None:
    bench.conversation.room = 10
    output = await bench.write({"big.bin": b"x" * 11, "small.txt": b"y"})
    assert [file.name for file in output.files] == ["small.txt"]
    assert "Not saved: big.bin: the file 'big.bin' is too large" in output.text


async def test_the_model_is_told_that_not_all_files_were_looked_at(bench: Bench) -> None:
    await bench.run()
    bench.session.complete = False
    assert "/mnt/data contains more files than were examined" in (await bench.run()).text
