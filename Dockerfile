# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/arena
ENV PATH=/opt/arena/bin:$PATH
WORKDIR /src
# The dependencies first: this layer changes only when the lock does.
COPY requirements.lock .
RUN pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY arena arena
COPY ratings ratings
COPY templates templates
COPY migrations migrations
RUN pip install --no-deps --no-build-isolation . && pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/arena arena
COPY --from=build /opt/arena /opt/arena
ENV PATH=/opt/arena/bin:$PATH PYTHONUNBUFFERED=1
USER arena
WORKDIR /var/lib/arena
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
CMD ["arena", "serve", "--host", "0.0.0.0"]
