# Built in one stage, run in another: what runs has neither the sources nor what built them, and is not root.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv --without-pip /opt/insiderbot
# What others wrote is a layer of its own, which a change of the bot's code leaves as it is.
COPY pyproject.toml README.md LICENSE ./
RUN mkdir bot brokers strategies && pip --python /opt/insiderbot install '.[notify,postgres]'
COPY bot bot
COPY brokers brokers
COPY strategies strategies
RUN pip --python /opt/insiderbot install --no-deps .

FROM python:3.12-slim
LABEL org.opencontainers.image.title="insiderbot" \
      org.opencontainers.image.description="Follows the trades that company executives report to the SEC, on paper, and says why." \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin insiderbot \
    && install --directory --owner=10001 --group=10001 /data /archive
COPY --from=build /opt/insiderbot /opt/insiderbot
ENV PATH=/opt/insiderbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOT_DATABASE_URL=sqlite:////data/insiderbot.db
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Nothing else is written but /tmp: the root may be read-only.
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
# The daemon gives a sign of life every minute; three minutes without one are too many.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=2 CMD ["insiderbot", "health"]
ENTRYPOINT ["insiderbot"]
CMD ["daemon"]
