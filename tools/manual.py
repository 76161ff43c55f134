#!/usr/bin/env python3
"""Writes the manual pages and shell completions from the program's own help and the schema.

    tools/manual.py OUT PROGRAM...     PROGRAM... is how to run it: "qemu-aarch64-static tidegate"

OUT/tidegate.1, OUT/tidegate.json.5, OUT/tidegate.bash and OUT/_tidegate. So a command, an option or
a member of the configuration that exists is in the manual, and one that is gone is not.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OPTION = re.compile(r"^  (--[a-z-]+)(?: (\S+))?(?:  +(.*))?$")


class Command:
    """What `tidegate help NAME` says."""

    def __init__(self, name, page):
        lines = page.splitlines()
        self.name = name
        self.usage = lines[0].removeprefix("usage: ")
        split = next((i for i, line in enumerate(lines) if OPTION.match(line)), len(lines))
        self.text = [line for line in lines[2:split] if line]
        self.options = []  # (option, value or "", what it does)
        for line in lines[split:]:
            found = OPTION.match(line)
            if found:
                self.options.append([found[1], found[2] or "", found[3] or ""])
            else:
                self.options[-1][2] += line.strip()


def ask(program, *words):
    return subprocess.run([*program, *words], check=True, capture_output=True, text=True).stdout


def commands(program):
    """Returns every command that `tidegate help` lists."""
    listed = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", ask(program, "help"), re.M)
    found = []
    for name in listed:
        pages = ask(program, "help", name.split()[0]).split("\n\nusage: ")
        for page in pages:
            page = page if page.startswith("usage: ") else "usage: " + page
            if re.match(rf"usage: tidegate {name}( |$)", page.splitlines()[0]):
                found.append(Command(name, page))
    return found


# --- roff ----------------------------------------------------------------------------------------

def roff(text):
    """Text as roff reads it; `code` becomes bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def head(name, section, version):
    return f'.TH {name.upper()} {section} "" "tidegate {version}"\n'


def option_lines(options):
    out = []
    for option, value, what in options:
        value = f" \\fI{roff(value)}\\fR" if value else ""
        out.append(f".TP\n\\fB{roff(option)}\\fR{value}\n{roff(what)}.\n")
    return "".join(out)


def exit_lines(program):
    table = ask(program, "help", "exit-codes").splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in table]
    return "".join(f".TP\n.B {code}\n{roff(what)}: {roff(todo)}.\n" for code, what, todo in rows)


def program_page(program, listed, version):
    about = ask(program, "help").splitlines()[0]
    out = [head("tidegate", 1, version),
           ".SH NAME\ntidegate \\- store\\-and\\-forward replication for gateways\n",
           ".SH SYNOPSIS\n.B tidegate\n.I command\n.RI [ options ]\n",
           f".SH DESCRIPTION\n{roff(about)}\n",
           ".SH COMMANDS\n"]
    for command in listed:
        out.append(f".SS {roff(command.name)}\n.B {roff(command.usage)}\n.PP\n")
        out.append(roff("\n".join(command.text)) + "\n")
        out.append(option_lines(o for o in command.options if o[0] != "--help"))
    out += [".SH EXIT STATUS\n", exit_lines(program),
            ".SH FILES\n.TP\n.I /etc/tidegate/tidegate.json\nThe configuration of the service; the "
            "timer's runs are skipped while it is missing.\n.TP\n.I /etc/tidegate/credentials\n"
            "Each file NAME is a secret that the configuration names as \\(dqtidegate_NAME\\(dq.\n"
            ".TP\n.I /var/lib/tidegate\nThe store of the service.\n",
            ".SH SEE ALSO\n.BR tidegate.json (5)\n"]
    return "".join(out)


def member_type(schema, node):
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    if "const" in node:
        return node, f'"{node["const"]}"'
    if "enum" in node:
        return node, ", ".join(f'"{value}"' for value in node["enum"])
    if "oneOf" in node:
        return node, "text or secret"
    names = {"string": "text", "integer": "number", "boolean": "true, false", "array": "list"}
    return node, names.get(node["type"], node["type"])


def members(schema, node):
    out = []
    for name, member in node.get("properties", {}).items():
        member, kind = member_type(schema, member)
        note = "" if "default" not in member else f" Default: {json.dumps(member['default'])}."
        note = " Required." if name in node.get("required", ()) else note
        out.append(f".TP\n\\fB{roff(name)}\\fR ({roff(kind)})\n"
                   f"{roff(member.get('description', ''))}{roff(note)}\n")
    return "".join(out)


def file_page(version):
    schema = json.loads((ROOT / "docs/tidegate.schema.json").read_text(encoding="utf-8"))
    out = [head("tidegate.json", 5, version),
           ".SH NAME\ntidegate.json \\- configuration of tidegate\n",
           f".SH DESCRIPTION\nOne JSON file. {roff(schema['description'])}\n",
           ".SH THE FILE\n", members(schema, schema)]
    for name in ("store", "log"):
        out += [f".SH {name.upper()}\n", members(schema, schema["properties"][name])]
    for name, node in schema["$defs"].items():
        if "properties" in node:
            out += [f".SH {roff(name.replace('_', ' ').upper())}\n",
                    roff(node.get("description", "")) + "\n", members(schema, node)]
    example = (ROOT / "packaging/tidegate.json").read_text(encoding="utf-8")
    out += [".SH EXAMPLE\n.nf\n", roff(example), ".fi\n", ".SH SEE ALSO\n.BR tidegate (1)\n"]
    return "".join(out)


# --- shells --------------------------------------------------------------------------------------

FILES = ("FILE", "TARGET")
FOLDERS = ("DIR",)


def words_of(listed):
    """Returns {first word: [second words]}."""
    words = {}
    for command in listed:
        first, _, second = command.name.partition(" ")
        words.setdefault(first, [])
        words[first] += [second] if second else []
    return words


def bash(listed):
    values = {o: v for c in listed for o, v, _ in c.options if v}
    files = "|".join(sorted(o for o, v in values.items() if v in FILES))
    folders = "|".join(sorted(o for o, v in values.items() if v in FOLDERS))
    choices = "".join(f'\t{o}) COMPREPLY=($(compgen -W "{v.replace("|", " ")}" -- "$word")) ;;\n'
                      for o, v in sorted(values.items()) if "|" in v)
    firsts = words_of(listed)
    seconds = "".join(f'\t\t{first}) words="{" ".join(rest)}" ;;\n'
                      for first, rest in firsts.items() if rest)
    options = "".join(f'\t"{c.name}") words="{" ".join(o for o, _, _ in c.options)}" ;;\n'
                      for c in listed)
    pairs = " ".join(c.name.replace(" ", "_") for c in listed if " " in c.name)
    return f"""# bash completion for tidegate; made by tools/manual.py.
_tidegate()
{{
	local word=${{COMP_WORDS[COMP_CWORD]}} words="" command=${{COMP_WORDS[1]}}
	COMPREPLY=()
	case ${{COMP_WORDS[COMP_CWORD-1]}} in
	{files}) COMPREPLY=($(compgen -f -- "$word")); return ;;
	{folders}) COMPREPLY=($(compgen -d -- "$word")); return ;;
{choices.replace(" ;;", "; return ;;")}	esac
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="{" ".join(firsts)}"
	elif [ "$COMP_CWORD" -eq 2 ] && [[ "$word" != -* ]]; then
		case $command in
{seconds}		esac
	fi
	if [ -z "$words" ]; then
		local both="${{command}}_${{COMP_WORDS[2]}}"
		case " {pairs} " in
		*" $both "*) command="${{both/_/ }}" ;;
		esac
		case $command in
{options}		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _tidegate tidegate
"""


def zsh_option(option, value, what):
    what = re.sub(r"[\[\]:']", " ", what)
    if not value:
        return f"'{option}[{what}]'"
    action = {"FILE": "_files", "TARGET": "_files", "DIR": "_files -/"}.get(value, " ")
    action = f"({value.replace('|', ' ')})" if "|" in value else action
    return f"'{option}[{what}]:{value.replace('|', ' or ').lower()}:{action}'"


def zsh(listed):
    firsts = words_of(listed)
    seconds = "".join(f"\t{first}) second=({' '.join(rest)}) ;;\n"
                      for first, rest in firsts.items() if rest)
    cases = ""
    for command in listed:
        options = " ".join(zsh_option(*option) for option in command.options)
        cases += f'\t"{command.name}") _arguments {options} ;;\n'
    return f"""#compdef tidegate
# zsh completion for tidegate; made by tools/manual.py.
local -a second
local command=$words[2]
if (( CURRENT == 2 )); then
	compadd {" ".join(firsts)}
	return
fi
case $command in
{seconds}esac
if (( $#second )); then
	if (( CURRENT == 3 )); then
		compadd $second
		return
	fi
	command="$command $words[3]"
fi
case $command in
{cases}esac
"""


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out, program = pathlib.Path(sys.argv[1]), sys.argv[2:]
    version = ask(program, "version").split()[1]
    listed = commands(program)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (("tidegate.1", program_page(program, listed, version)),
                       ("tidegate.json.5", file_page(version)),
                       ("tidegate.bash", bash(listed)), ("_tidegate", zsh(listed))):
        (out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
