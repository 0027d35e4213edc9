# One image for the three processes: `serve` (the default), `worker` and `signer`. Needs the built playground: make setup.
# Any Debian or Ubuntu with Python 3.11 or newer and its venv module will do as the base.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/firecrest-gql
WORKDIR /source
COPY requirements.lock packaging/build.lock ./
# Whoever builds behind a mirror brings its pip.conf and certificates as secrets, which no layer keeps.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=certificates \
    /build/bin/pip --python /opt/firecrest-gql/bin/python3 install --no-cache-dir --only-binary :all: --require-hashes \
        --requirement requirements.lock \
    && /build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement build.lock
COPY . .
RUN /build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /opt/firecrest-gql/bin/python3 install --no-cache-dir --no-index --no-deps /wheels/*.whl \
    && packages="$(/opt/firecrest-gql/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && cp --recursive playground "${packages}/playground" \
    && install -m 0644 packaging/health.py /opt/firecrest-gql/health.py

FROM ${BASE}
RUN groupadd --gid 10001 firecrest \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin firecrest \
    && install --directory --owner 10001 --group 10001 --mode 0700 /run/firecrest-gql
COPY --from=build /opt/firecrest-gql /opt/firecrest-gql
# Inside a container loopback reaches nobody. The environment stands above the settings file.
ENV PATH=/opt/firecrest-gql/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FIRECREST_CONFIG=/etc/firecrest/firecrest.yaml \
    FIRECREST_SERVER__HOST=0.0.0.0
USER 10001:10001
WORKDIR /
EXPOSE 8000
# Asks `serve` at /livez; a `worker` or `signer` is healthy while it runs. What can be served stands at /readyz.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["python3", "/opt/firecrest-gql/health.py"]
ENTRYPOINT ["firecrest-gql"]
CMD ["serve"]
