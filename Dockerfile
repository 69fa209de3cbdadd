# The server as a container. It needs no Python, no git and no shell: builds run in
# containers of their own, made through the engine's socket (see compose.yaml).

# Other bases, such as a mirror's, by --build-arg.
ARG GO_IMAGE=golang:1.26-bookworm
ARG CERTS_IMAGE=golang:1.26-bookworm

FROM ${GO_IMAGE} AS source
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
COPY go.mod go.sum ./
RUN go mod download
COPY . .

# make docker_dev: the checkout is mounted over /src, and the server restarts when it changes.
FROM source AS dev
ENV VIVARIUM_DATA_DIR=/data
CMD ["scripts/dev"]

FROM source AS build
ARG VERSION=container
RUN make build VERSION=${VERSION} && mkdir -p /empty

FROM ${CERTS_IMAGE} AS certs

FROM scratch
COPY --from=certs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/vivarium /usr/local/bin/vivarium
# A named volume takes over the owner of the folder it is first mounted on.
COPY --from=build --chown=65532:65532 /empty /data
COPY --from=build --chown=65532:65532 /empty /tmp
ENV VIVARIUM_DATA_DIR=/data PATH=/usr/local/bin
USER 65532:65532
WORKDIR /data
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["vivarium", "doctor", "--health"]
ENTRYPOINT ["vivarium"]
CMD ["serve"]
