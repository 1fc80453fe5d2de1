# backdoor-gate as an image, for GitLab CI, Jenkins and machines without Python.
#
#   docker build --tag backdoor-gate .
#   docker run --rm --network none --volume "$PWD:/work" backdoor-gate check models/
#
# The tag names an exact Python on an exact Debian, but it is rebuilt for security updates. To pin its bytes,
# put `docker buildx imagetools inspect python:3.12.14-slim-trixie --format '{{.Manifest.Digest}}'` after an @.

FROM python:3.12.14-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY policies policies
COPY examples examples
COPY gate gate
RUN python -m venv /opt/backdoor-gate \
 && /opt/backdoor-gate/bin/python -m pip install '.[scan]'


FROM python:3.12.14-slim-trixie

LABEL org.opencontainers.image.title="backdoor-gate" \
      org.opencontainers.image.description="Stops a backdoored Keras model before it is merged." \
      org.opencontainers.image.licenses="Apache-2.0"

# Debian keeps only the newest version of a package, so a pinned one would stop the build at the next update.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory /work \
 && useradd --uid 10001 --create-home gate

COPY --from=build /opt/backdoor-gate /opt/backdoor-gate

ENV PATH=/opt/backdoor-gate/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /work
ENTRYPOINT ["backdoor-gate"]
CMD ["--help"]
