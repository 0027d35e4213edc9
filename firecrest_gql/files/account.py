"""The user's account, as the system itself tells it."""

from dataclasses import dataclass

from firecrest_gql.command import Result
from firecrest_gql.errors import CommandFailed
from firecrest_gql.files.confinement import Hold
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import Group, UserAccount

# Group names may hold spaces: -z ends each with NUL (coreutils manual, id). A group without a name prints its number.
ACCOUNT = (
    r'printf "%s\0%s\0%s\0%s\0" "$(id -u)" "$(id -g)" "$HOME" "$SHELL"; id -Gz; printf "\0"; id -Gnz 2>/dev/null; :'
)


@dataclass(frozen=True, slots=True)
class Account(FileCommand[UserAccount]):
    """Numbers, groups, home and shell of the account that runs this."""

    system: str
    username: str

    @property
    def holds(self) -> dict[str, Hold]:
        """No path of the user's."""
        return {}

    @property
    def argv(self) -> list[str]:
        """`id` and the login's own variables."""
        return ["sh", "-c", ACCOUNT]

    def parse(self, result: Result) -> UserAccount:
        """Four values, the group numbers, an empty value, the group names."""
        values = result.stdout.decode("utf-8", "surrogateescape").split("\0")
        try:
            uid, gid, home, shell, *rest = values
            numbers, names = rest[: rest.index("")], rest[rest.index("") + 1 :]
            groups = tuple(Group(int(number), name) for number, name in zip(numbers, names, strict=False))
            return UserAccount(
                system=self.system,
                username=self.username,
                uid=int(uid),
                gid=int(gid),
                groups=groups,
                home=home,
                shell=shell or None,
            )
        except ValueError:
            raise CommandFailed(f"the account of {self.username} could not be read") from None
