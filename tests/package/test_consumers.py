# SPDX-License-Identifier: MIT
"""The library as a package. Programs, projects and commands are those of docs/using-the-library.md.

Both libraries come out of build/target and build/host. The latter has sanitizers, so the program
that uses it is given the same flags, as a user of such a library would do.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/using-the-library.md").read_text()
FENCE = r"```(\w+)\n(.*?)```\n"
FILES = {name: text for name, _, text in re.findall(r"^`(\S+)`:\n\n" + FENCE, PAGE, re.M | re.S)}
BLOCKS = re.findall(FENCE, PAGE, re.S)
PROJECTS = {"bare": ["CMakeLists.txt", "bare.cpp", "bare.ld", "start.S"],
            "cortex-m": ["CMakeLists.txt", "cortex-m.cpp", "cortex-m.ld"],
            "hosted": ["CMakeLists.txt", "hosted.cpp"]}
SELF_TEST = ROOT / "tests/package/self_test.cpp"
OUTPUT = "[0, 1, 4, 9, 16, 25, 36, 49] on our heap: true"
SANITIZERS = "-fsanitize=address,undefined"


def block(language, word):
    """The page's only block in `language` with `word` in it, files aside."""
    found = [text for each, text in BLOCKS if each == language and word in text
             and text not in FILES.values()]
    assert len(found) == 1, f"{len(found)} blocks of {language} with {word}"
    return found[0]


def run(command, folder, **environment):
    """What the shell commands print; all of them must succeed."""
    done = subprocess.run(["bash", "-ec", command], cwd=folder, env={**os.environ, **environment},
                          text=True, errors="replace", check=False, timeout=600,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def install(prefix, *presets):
    commands = block("sh", "cmake --install build/target").replace("/release", "/host").splitlines()
    for line in commands:
        if line.startswith("cmake --install") and line.split()[2].removeprefix("build/") in presets:
            run(line.replace("/opt/cairn", f"'{prefix}'"), ROOT)


@pytest.fixture(scope="module", name="prefix")
def fixture_prefix(tmp_path_factory):
    for preset in ("target", "host"):
        run(f"cmake --build build/{preset} --target cairn_lib cairn_new", ROOT)
    prefix = tmp_path_factory.mktemp("prefix with a blank") / "cairn"
    install(prefix, "target", "host")
    return prefix


@pytest.fixture(name="project")
def fixture_project(tmp_path):
    """project(name, instead_of_find_package): writes it as the page has it, and says where."""
    def write(name, instead=None):
        assert sorted(file for file in FILES if file.startswith(f"{name}/")) == [
            f"{name}/{file}" for file in PROJECTS[name]]
        folder = tmp_path / name
        folder.mkdir()
        for file in PROJECTS[name]:
            (folder / file).write_text(FILES[f"{name}/{file}"])
        if instead:
            text = FILES[f"{name}/CMakeLists.txt"].replace("find_package(cairn REQUIRED)\n", instead)
            assert instead in text
            (folder / "CMakeLists.txt").write_text(text)
        return folder

    return write


def self_testing(folder):
    """The project with tests/package/self_test.cpp in place of what the page's program does."""
    path = folder / f"{folder.name}.cpp"
    text, count = re.subn(r"    vector<int> squares;.*?\n(?=    end_qemu)", "    self_test();\n", path.read_text(),
                          flags=re.S)
    assert count == 1
    path.write_text(f"void self_test();\n{text}")
    text = (folder / "CMakeLists.txt").read_text()
    assert f" {path.name})" in text
    (folder / "CMakeLists.txt").write_text(text.replace(f" {path.name})", f' {path.name} "{SELF_TEST}")'))
    return folder


SELF_TEST_SAYS = re.compile(r"self-test: all (\d+) things as they should be")


def build_and_run(machine, folder, prefix, toolchain=None, **environment):
    """Runs the page's commands for the project, and checks what the program says."""
    commands = block("sh", f"build-{machine}\n")
    if toolchain:
        commands = commands.replace("/opt/cairn/share/cairn/riscv64-elf.cmake", str(toolchain))
    commands = commands.replace("/opt/cairn", f"'{prefix}'")
    output = run(commands, folder.parent, **environment)
    said = output.splitlines()[-1].strip()
    if "self_test" in (folder / "CMakeLists.txt").read_text():
        assert SELF_TEST_SAYS.fullmatch(said), output
        assert int(SELF_TEST_SAYS.fullmatch(said)[1]) > 10000
    else:
        assert said == OUTPUT, output
        assert f"\n    {OUTPUT}\n" in PAGE
    return output


def test_installed_for_a_bare_machine(prefix, project, tmp_path):
    output = build_and_run("bare", project("bare"), prefix)
    assert "OpenSBI" in output and "warning" not in output
    elf = tmp_path / "build-bare/bare.elf"
    size = run(f"llvm-size-19 {elf} | awk 'NR == 2 {{print $1}}'", tmp_path)
    assert int(size) < 1024 * int(re.search(r"less than (\d+) KiB of code and constants", PAGE)[1])


def test_self_test_on_a_bare_machine(prefix, project):
    build_and_run("bare", self_testing(project("bare")), prefix)


@pytest.mark.parametrize("name, machine", [("bare", "rv32"), ("cortex-m", "cortex-m")])
def test_installed_for_a_machine_of_32_bits(project, tmp_path, name, machine):
    """The page's commands, from the library's own; then the self-test in the program's place."""
    prefix = tmp_path / "prefix with a blank"
    commands = block("sh", f"--install build/{machine}").replace(f"build/{machine}", f"'{tmp_path}/build'")
    run(commands.replace("/opt/cairn", f"'{prefix}'"), ROOT)
    folder = project(name)
    assert "warning" not in build_and_run(machine, folder, prefix)
    build_and_run(machine, self_testing(folder), prefix)


def test_installed_for_the_host(prefix, project):
    output = build_and_run("hosted", project("hosted"), prefix, CXXFLAGS=SANITIZERS)
    assert "warning" not in output


def test_folder_of_a_project(project):
    folder = project("bare", block("cmake", "add_subdirectory"))
    (folder / "cairn").symlink_to(ROOT)
    build_and_run("bare", folder, "/nowhere", ROOT / "tools/cmake/riscv64-elf.cmake")
    build = folder.parent / "build-bare"
    assert not (build / "cairn/kernel").exists() and not (build / "cairn/tests").exists()
    assert "-Werror" not in (build / "build.ninja").read_text()


def test_fetched(project):
    """The same folder by another way: so configured and compiled, but the library not once more."""
    folder = project("hosted", block("cmake", "FetchContent"))
    run(f"""cmake -G Ninja -S hosted -B build -DCMAKE_CXX_COMPILER=clang++-19 \
                  -DFETCHCONTENT_SOURCE_DIR_CAIRN={ROOT} -DCMAKE_UNITY_BUILD=ON
            cmake --build build --target CMakeFiles/hosted.dir/Unity/unity_0_cxx.cxx.o""", folder.parent)
    commands = run("ninja -C build -t commands hosted", folder.parent)
    # The project's unity build is not Cairn's.
    assert "unity" in commands and "cairn_lib.dir/cairn/text/print.cpp.o" in commands
    assert not re.search(r"cairn_\w+\.dir/Unity", commands)
    link = next(line for line in commands.splitlines() if " -o hosted " in line)
    assert "libcairn.a" in link and "cairn_new.dir/cairn/heap/new.cpp.o" in link
    # It is the program's to install, not its parts'.
    run("cmake --install build --prefix installed", folder.parent)
    assert not (folder.parent / "installed/include").exists()


def test_installed_for_a_shared_library(project, tmp_path):
    """The page's commands, with the library's own folder and prefix; what it is linked into runs."""
    prefix = tmp_path / "prefix"
    build = tmp_path / "build-pic"
    commands = block("sh", "CAIRN_PIC").replace("build/shared", f"'{build}'")
    run(commands.replace("/opt/cairn-shared", f"'{prefix}'"), ROOT)
    folder = project("hosted")
    text = (folder / "CMakeLists.txt").read_text()
    text = text.replace("add_executable(hosted hosted.cpp)", "add_library(hosted SHARED hosted.cpp)")
    text += ("add_executable(user user.cpp)\ntarget_link_libraries(user PRIVATE hosted)\n"
             "target_link_options(hosted PRIVATE -Wl,-z,defs -Wl,-z,text)\n")
    (folder / "CMakeLists.txt").write_text(text)
    source = (folder / "hosted.cpp").read_text()
    assert "int main()" in source
    (folder / "hosted.cpp").write_text(source.replace("int main()", "void squares()"))
    (folder / "user.cpp").write_text("void squares();\nint main() { squares(); }\n")
    output = run(f"""cmake -G Ninja -S hosted -B build -DCMAKE_CXX_COMPILER=clang++-19 \
                           -DCMAKE_PREFIX_PATH='{prefix}'
                     cmake --build build && ./build/user""", folder.parent)
    assert output.splitlines()[-1] == OUTPUT


def compiler_says(tmp_path, source, *flags, compiler="clang++-19"):
    """The lines with "error:" of a compilation that must fail."""
    path = tmp_path / "wrong.cpp"
    path.write_text(source)
    done = subprocess.run([compiler, "-fsyntax-only", "-I", ROOT / "lib", *(flags or ["-std=c++23"]), path],
                          text=True, capture_output=True, check=False)
    assert done.returncode != 0
    return [line for line in done.stderr.splitlines() if "error:" in line]


HEADERS = ["vector", "string", "hash_map", "unique_ptr", "print", "spinlock", "global_heap"]


def test_compilers_that_cannot_are_told_in_one_sentence(tmp_path):
    for header in HEADERS:
        source = f'#include <cairn/{header}.hpp>\n'
        [old] = compiler_says(tmp_path, source, "-std=c++20")
        assert "Cairn needs C++23: compile with -std=c++23" in old, header
        pretend = ["-std=c++23", "-Wno-builtin-macro-redefined"]
        [older] = compiler_says(tmp_path, source, *pretend, "-D__clang_major__=16")
        assert "Cairn needs a newer compiler: clang 17, GCC 12" in older, header
        [oldest] = compiler_says(tmp_path, source, *pretend, "-D__GNUC__=11", compiler="g++")
        assert "Cairn needs a newer compiler: clang 17, GCC 12" in oldest, header
        # As clang 17 and 18 are, to libstdc++.
        [without] = compiler_says(tmp_path, source, *pretend, "-D__cpp_concepts=201907L")
        assert "Cairn needs std::expected" in without, header


WRONG = [
    ("hash_map", "cairn::hash_map<double, int> m; int* p = &m[1.5];", "write `void hash_append"),
    ("hash_map", "struct S { bool operator==(const S&) const; }; cairn::hash_map<S, int> m; "
                 "int* p = &m[S()];", "write `void hash_append"),
    ("hash_map", "cairn::hash_map<std::tuple<int, int>, int> m; int* p = &m[{1, 2}];",
     "write `void hash_append"),
    ("vector", "cairn::vector<int, cairn::allocator<long>> v;", "allocator is one for its elements"),
    ("string", "cairn::basic_string<int> s;", "allocator is one for char"),
    ("hash_map", "cairn::hash_map<int, int, cairn::seeded_hash<int>, std::equal_to<>, "
                 "cairn::allocator<int>> m;", "allocator is one for std::pair"),
    ("static_vector", "cairn::static_vector<int, 0> v;", "room for one element at least"),
    ("ring_buffer", "cairn::ring_buffer<int, 3> v;", "its capacity is a power of two")]
CONTAINERS = {"vector": "T", "static_vector": "T, 4", "ring_buffer": "T, 4", "intrusive_list": "T"}
WRONG += [(container, f"cairn::{container}<{arguments.replace('T', kind)}> v;",
           f"{container}: its elements are objects, neither const nor volatile")
          for container, arguments in CONTAINERS.items()
          for kind in ("int&", "void", "const int")]
WRONG += [(container, f"cairn::{container}<{key}, {value}> v;",
           f"{container}: its keys and values are objects, not references or void")
          for container in ("flat_map", "hash_map")
          for key, value in (("int&", "int"), ("void", "int"), ("int", "int&"), ("int", "void"))]
WRONG += [("unique_ptr", f"#include <cairn/allocator.hpp>\nint i; auto p = cairn::{call};", "no matching function")
          for call in ("try_make_unique<int&>(i)", "allocate_unique<int&>(cairn::allocator<int>(), i)",
                       "try_allocate_unique<const int[]>(cairn::allocator<int>(), 3)")]


@pytest.mark.parametrize("compiler", ["clang++-19", "g++"])
@pytest.mark.parametrize("header, declaration, sentence", WRONG)
def test_what_cannot_be_is_told_in_one_sentence(tmp_path, header, declaration, sentence, compiler):
    lines = compiler_says(tmp_path, f'#include <cairn/{header}.hpp>\n{declaration}\n', compiler=compiler)
    assert sentence in lines[0] and len(lines) == 1, "\n".join(lines)


def test_targets_bring_no_flags(prefix):
    described = list(prefix.rglob("cairn-targets*.cmake"))
    assert len(described) == 4 # for two machines: the targets, and where one configuration has them
    for path in described:
        text = path.read_text()
        assert not re.search(r"COMPILE_OPTIONS|COMPILE_DEFINITIONS|LINK_OPTIONS|SYSTEM_INCLUDE", text)
        assert not re.search(r"-march|-mabi|-W|-fsan|picolibc|c\+\+/v1", text)
        assert str(ROOT) not in text and str(prefix) not in text


def reached(headers):
    """These headers and those that they include, relative to lib/."""
    found = set(headers)
    for header in found:
        found = found | set(re.findall(r'^#include "(cairn/.*)"', (ROOT / "lib" / header).read_text(), re.M))
    return found if found == set(headers) else reached(found)


# What a project may be compiled with, that sees the library's headers as its own.
WARNINGS = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wundef "
            "-Werror")


def test_headers_are_complete(prefix, tmp_path):
    """The public headers and what they include are there, nothing else; they do not rely on the
    order of their inclusion, and no compiler warns of them."""
    include = prefix / "include"
    installed = sorted(str(path.relative_to(include)) for path in include.rglob("*")
                       if path.is_file())
    public = [f"cairn/{path.name}" for path in (ROOT / "lib/cairn").glob("*.hpp")]
    assert len(public) > 40 and installed == sorted(reached(public))
    assert not [name for name in installed if "_test" in name or name.startswith("cairn/malloc/")]
    every = tmp_path / "every.cpp"
    for order in (installed, installed[::-1]):
        every.write_text("".join(f'#include <{name}>\n' for name in order))
        for compiler in ("clang++-19", "g++"):
            run(f"{compiler} -std=c++23 {WARNINGS} -fsyntax-only -I '{include}' {every}", tmp_path)


def test_machines_are_not_confused(prefix, project):
    """A host's project does not take the target's library, even if it is pointed at it."""
    folder = project("hosted")
    shutil.copytree(prefix / "lib/riscv64-unknown-elf", folder / "lib")
    output = subprocess.run(["cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build",
                             "-DCMAKE_CXX_COMPILER=clang++-19", f"-DCMAKE_PREFIX_PATH={folder}"],
                            text=True, capture_output=True, check=False)
    assert output.returncode != 0
    assert "version: 0.1.0 for Generic riscv64" in output.stderr
