# One image for all our services; docker-compose.yml says which command each runs.
FROM python:3.11.13-slim-bookworm AS built
WORKDIR /src
COPY requirements-servers.lock ./
# Wheels alone, each by its hash: nothing is compiled, nothing is unpinned.
RUN python -m venv /opt/leowatch \
    && /opt/leowatch/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements-servers.lock
COPY . .
RUN /opt/leowatch/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin leowatch \
    && install -d -o leowatch -g leowatch /var/lib/leowatch
COPY --from=built /opt/leowatch /opt/leowatch
ENV PATH=/opt/leowatch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/leowatch
CMD ["leowatch", "--help"]
