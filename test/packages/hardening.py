"""What a program of ours must have so that a mistake in it is no way in: said by readelf and objdump."""
import re
import subprocess


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode(errors="replace")


def checks(program):
    """Each as (whether it holds, what it is, what was seen)."""
    segments = [line.split() for line in said("readelf", "-Wl", program).splitlines() if re.match(r"\s+[A-Z_]+ +0x", line)]
    rights = {(words[0], "".join(words[6:-1])) for words in segments}
    header, dynamic = said("readelf", "-Wh", program), said("readelf", "-Wd", program)
    imported = re.findall(r" (\w+)(?:@\S+)?(?: \(\d+\))?$", said("readelf", "-W", "--dyn-syms", program), re.M)
    fortified = [name for name in imported if re.fullmatch(r"__\w+_chk", name)]
    machine = re.search(r"Machine: +(.*)", header)[1]
    yield "DYN" in header and "PIE" in dynamic, "it is placed by chance (PIE)", header + dynamic
    yield ("GNU_RELRO", "R") in rights and "BIND_NOW" in dynamic, "its table of functions is read-only (full RELRO)", dynamic
    yield ("GNU_STACK", "RW") in rights, "its stack is not executable", rights
    yield not [r for r in rights if "W" in r[1] and "E" in r[1]], "nothing is both writable and executable", rights
    yield "TEXTREL" not in dynamic and "PATH)" not in dynamic, "no relocations in code, no library paths", dynamic
    yield "__stack_chk_fail" in imported, "its stack has protectors", imported
    yield len(fortified) >= 3, "calls that know the size of what they write to (FORTIFY_SOURCE)", fortified
    if "X86-64" in machine:
        code = said("objdump", "-d", "--no-show-raw-insn", program)
        yield re.search(r"(or|mov)q +\$0x0,\(%rsp\)", code) is not None, "large frames touch each page of the stack", machine
        yield (code.count("endbr64") >= 100 or code.count("ud1") >= 10,
               "indirect calls end at endbr64, or (clang) at a function of their type", machine)


def missing(program):
    return [what for holds, what, _ in checks(program) if not holds]
