"""The shape of C++ and Python text: code without comments and strings, and where functions are.

C++ is read by braces, not parsed. That is enough to measure functions in a tree that clang-format
has laid out, and it fails towards silence: what it does not recognise it does not report.
"""

import ast
import re

TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"([^\s()\\]{0,16})\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)

TYPE = re.compile(r"\b(class|struct|union|enum)\b[^()=]*$")
NAMESPACE = re.compile(r'\bnamespace\b[^()=;]*$|\bextern\s*""\s*$')
# What may stand between a parameter list and the body.
BODY = re.compile(
    r"\)\s*(const|noexcept(\s*\([^()]*\))?|override|final|mutable|&&?|->\s*[^{};]+"
    r"|requires\s[^{};]+|\s)*$")
INITIALISERS = re.compile(r"\)\s*(noexcept(\s*\([^()]*\))?\s*)?:(?!:)")
NAME = re.compile(r"([~\w:]+|operator\s*[^\s(]+)\s*\(")


def strip_comments_and_strings(text):
    """The same text with comments and the insides of literals blanked: lines keep their numbers."""

    def blank(match):
        token = match.group(0)
        hollow = re.sub(r"[^\n]", " ", token)
        if token.startswith("/"):
            return hollow
        return '""' + hollow[2:] if len(token) >= 2 else token

    return TOKEN.sub(blank, text)


def classify(statement, inside_function):
    """What the brace after this statement opens."""
    if inside_function:
        return "block"
    if NAMESPACE.search(statement):
        return "namespace"
    if INITIALISERS.search(statement) and re.search(r"[\w>]\s*$", statement):
        if not re.search(r"\b(noexcept|try)\s*$", statement):
            return "member"  # the brace initialiser of a member: the body is still to come
    if TYPE.search(statement):
        return "type"
    if BODY.search(statement) or INITIALISERS.search(statement):
        return "function"
    return "other"


def functions(stripped):
    """(name, first line, last line) of every function definition."""
    stack, statement, line, start = [], "", 1, 1
    for char in drop_directives(stripped):
        if char == "\n":
            line += 1
        if char == "{":
            kind = classify(statement, any(kind == "function" for kind, _, _ in stack))
            stack.append((kind, statement, start))
            if kind != "member":
                statement = ""
        elif char == "}":
            if not stack:
                return  # unbalanced, most likely by a macro: say nothing
            kind, opened_by, opened_at = stack.pop()
            if kind == "function":
                name = NAME.search(opened_by)
                yield (name.group(1) if name else "a function", opened_at, line)
            if kind != "member":
                statement = ""
        elif char == ";":
            statement = ""
        else:
            if not statement.strip():
                start = line
                statement = ""
            statement += char


def drop_directives(stripped):
    """Blanks preprocessor lines, whose braces need not balance."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda match: "\n" * match.group(0).count("\n"),
                  stripped, flags=re.MULTILINE)


def python_functions(text):
    """(name, first line, last line) of every function of a Python file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno
