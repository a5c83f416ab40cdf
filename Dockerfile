# The relay with the widget inside, and nothing else but the system's certificates.
#
#   docker build -t chinwag .
#   docker run -p 8787:8787 -v ./chinwag.toml:/etc/chinwag.toml:ro -v chinwag-data:/data chinwag
#
# `data_dir` in the config is best left out: it is then below /data, the one folder
# that the relay may write to here. A relative one would be beside the config file.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The tools that make the widget small need a Node that the distribution does not have.
COPY --from=node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:22-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
RUN rustup target add wasm32-unknown-unknown \
 && cargo xtask dist \
 && cargo build --locked --release -p chinwag-relay \
 && cargo xtask notices > target/THIRD-PARTY-NOTICES.txt

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin chinwag \
 && install -d -o chinwag -m 0700 /data
COPY --from=build /src/target/release/chinwag-relay /usr/local/bin/chinwag-relay
COPY --from=build /src/target/THIRD-PARTY-NOTICES.txt /usr/share/doc/chinwag/
USER chinwag
WORKDIR /data
VOLUME /data
EXPOSE 8787
# In a container the relay has to be reached from outside of it.
ENTRYPOINT ["chinwag-relay"]
CMD ["--config", "/etc/chinwag.toml", "--addr", "0.0.0.0:8787"]
