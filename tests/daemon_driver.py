"""The daemon with the settings of the environment, and a clock as many seconds behind as its argument says.

Its alarm rings by the real clock; everything the bot does goes by the other one.
"""

import logging
import sys
from datetime import datetime, timedelta

from bot.app import staying, utc_now
from bot.daemon import serve
from bot.logs import to_stderr
from bot.settings import Settings


def main() -> None:
    behind = timedelta(seconds=float(sys.argv[1]))

    def clock() -> datetime:
        return utc_now() - behind

    to_stderr(logging.INFO, "json")
    with staying(Settings.load(None), clock=clock) as daemon:
        serve(daemon, utc_now)


if __name__ == "__main__":
    main()
