# The gateway as an image: built from the wheel of this checkout, dependencies pinned by hash.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# The rooms every input passes are compiled (docs/adr/0013-compiled-rooms.md).
RUN apt-get update -q && apt-get install -q -y --no-install-recommends gcc libc6-dev
COPY requirements.lock pyproject.toml hatch_build.py README.md LICENSE ./
RUN python -m venv /opt/relais && /opt/relais/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY gateway gateway
COPY mappings mappings
COPY profiles profiles
RUN HATCH_BUILD_HOOK_ENABLE_CUSTOM=true /opt/relais/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.11-slim-bookworm
# What sets the text of the PDF beside a mailed document.
RUN apt-get update -q && apt-get install -q -y --no-install-recommends \
    libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/relais /opt/relais
RUN useradd --system --create-home --home-dir /var/lib/relais relais
USER relais
WORKDIR /var/lib/relais
ENV PATH=/opt/relais/bin:$PATH RELAIS_HOST=0.0.0.0
EXPOSE 8080 2575 2576
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["relais", "health"]
ENTRYPOINT ["relais"]
CMD ["serve"]
