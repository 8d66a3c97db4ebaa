"""The file that halts the bot by being there: for whoever can reach the disk and nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONGEST: Final = 200  # characters of a reason


@dataclass(frozen=True, slots=True)
class HaltFile:
    """Halts for as long as there is anything at `path`, whatever it is and whether or not it can be read."""

    path: Path

    def reason(self) -> str | None:
        """Why nothing may be sent: the file's first line, or that it is there; None only when it certainly is not."""
        try:
            self.path.lstat()  # a link that leads nowhere is there, too
            if not self.path.is_file():  # to open a pipe would wait for somebody to write
                return f"there is something at {self.path}, which is no file"
            with self.path.open("rb") as file:
                line = file.read(LONGEST).decode(errors="replace").strip().partition("\n")[0]
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"whether there is a file {self.path} cannot be told: {error.strerror}"
        said = "".join(letter if letter.isprintable() else " " for letter in line).strip()
        return f"{said} ({self.path})" if said else f"there is a file {self.path}"
