# docker build -t deltastore .
# docker run -p 9000:9000 -e DELTASTORE_ROOT_USER=… -e DELTASTORE_ROOT_PASSWORD=… -v deltastore:/data deltastore
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libclang-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --ignore-rust-version --bin deltastore && strip target/release/deltastore

FROM debian:bookworm-slim
COPY --from=build /src/target/release/deltastore /usr/local/bin/deltastore
# The authorities that `estimate` trusts of servers that speak TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /usr/share/doc/deltastore/LICENSE
# Any UID may run it: a volume made from this folder is writable by whichever one was chosen.
RUN mkdir /data && chmod 1777 /data
VOLUME /data
EXPOSE 9000
USER 1000
STOPSIGNAL SIGTERM
ENTRYPOINT ["deltastore"]
CMD ["serve", "/data", "--address", "0.0.0.0:9000"]
