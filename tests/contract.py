"""`make check`: the printed schema is current, and the contract is kept but for what is listed as not built yet."""

import argparse
import sys
from pathlib import Path

from graphql import build_schema as parse_schema
from graphql.utilities import find_breaking_changes

from firecrest_gql.settings import LimitSettings
from schema import build_schema

HERE = Path(__file__).parent
PRINTED = HERE.parent / "schema" / "schema.graphql"
CONTRACT = HERE / "contract.graphql"
NOT_BUILT = HERE / "not_built.txt"


def printed() -> str:
    """The schema in the schema definition language."""
    return build_schema(LimitSettings()).as_str() + "\n"


def missing() -> list[str]:
    """What the contract promises and the schema breaks, in graphql-core's words, sorted."""
    contract, ours = parse_schema(CONTRACT.read_text(encoding="utf-8")), parse_schema(printed())
    return sorted(f"{change.type.name}: {change.description}" for change in find_breaking_changes(contract, ours))


def listed() -> list[str]:
    """What is known not to be built yet."""
    return NOT_BUILT.read_text(encoding="utf-8").splitlines()


def faults() -> list[str]:
    """Everything that is not as checked in."""
    now, known = missing(), listed()
    stale = [] if PRINTED.read_text(encoding="utf-8") == printed() else ["schema/schema.graphql is stale: make schema"]
    broken = [f"breaks the contract: {line}" for line in now if line not in known]
    built = [f"is built, so take it off tests/not_built.txt: {line}" for line in known if line not in now]
    return stale + broken + built


def main() -> int:
    """Check, or write the printed schema; the list of what is not built is only ever shortened here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write schema.graphql, and shorten the list")
    if parser.parse_args().write:
        PRINTED.write_text(printed(), encoding="utf-8")
        now = missing()
        NOT_BUILT.write_text("".join(f"{line}\n" for line in listed() if line in now), encoding="utf-8")
    found = faults()
    print("\n".join(found) or f"the schema is current; {len(listed())} promises of the contract are not built yet")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
