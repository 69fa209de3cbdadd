# The server as a container. It needs no Python, no git and no shell: builds run in
# containers of their own, made through the engine's socket (see compose.yaml).

# Other bases, such as a mirror's, by --build-arg.
ARG GO_IMAGE=golang:1.26-bookworm
ARG CERTS_IMAGE=golang:1.26-bookworm

FROM ${GO_IMAGE} AS modules
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
COPY go.mod go.sum ./
RUN go mod download

# make docker_dev: the checkout is mounted on /src, and the server restarts when it changes.
FROM modules AS dev
ENV DEV_OUT=/out
CMD ["scripts/dev"]

# The names of the packages of others that ours are made of.
FROM modules AS imports
COPY . .
RUN mkdir /imports && for name in vivarium vivarium-init; do \
      go list -deps -f '{{if not (or .Standard .Module.Main)}}{{.ImportPath}}{{end}}' ./cmd/$name >/imports/$name || exit 1; \
    done

# These are compiled in a layer that stays while the names do: a change of ours compiles only ours.
FROM modules AS build
COPY --from=imports /imports /imports
RUN go build $(cat /imports/vivarium) && \
    GOARCH=amd64 go build $(cat /imports/vivarium-init) && GOARCH=arm64 go build $(cat /imports/vivarium-init)
COPY . .
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
