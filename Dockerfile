# The program as it runs beside a Kafka: what `npm run build` makes, production dependencies, nothing else.
#   docker build -t tidemark .
#   docker run --read-only --tmpfs /tmp -v "$PWD/tidemark.yaml:/app/tidemark.yaml:ro" -e SENTRY_DSN tidemark
# Install scripts are not run: the only one that is wanted (npm's Node for machines with an older one) has no use in here.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY .ci .ci
COPY src src
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What no running program loads is left behind: Sentry's command line and its plugins for bundlers, which @sentry/node brings along, and
# declarations and maps for development.
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/sentry node_modules/@sentry/bundler-plugins node_modules/.bin \
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tidemark" \
  org.opencontainers.image.description="Drift monitoring beside Kafka-based inference, incidents in Sentry" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production TIDEMARK_HTTP_HOST=0.0.0.0
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY config config
COPY assets assets
USER node
EXPOSE 9464
# Whether a restart would help. Whether the stages run is /readyz. Commands without this page (inbox, traffic) bring their own check, or none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TIDEMARK_HTTP_PORT || 9464}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The worker flushes, commits and leaves its groups within 10 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/cli.js"]
CMD ["worker"]
