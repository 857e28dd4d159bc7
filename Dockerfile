# The service as an image; docs/containers.md says how to run it.
#
# Debian rather than Alpine: the service is developed and tested with glibc, and that is what the builds of Node
# are supported for. Production starts no embedded Postgres, which has no build for musl, so that was no reason.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app

# First only what decides about the packages, so that a change of the sources does not fetch them again. Their
# scripts have nothing to do here: one fetches a second Node, others prepare the tests. Optional are the binaries
# of the embedded Postgres, which production refuses to start.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=optional

COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY migrations ./migrations
COPY src ./src
RUN npm run build

# Without both, the compiler stays: it belongs to the tools and is optional for another package. Files keep the
# permissions of the checkout, which need not let another user read them.
COPY docs/errors.md ./docs/
RUN npm prune --ignore-scripts --omit=dev --omit=optional \
  && rm dist/.tsbuildinfo \
  && chmod -R a+rX dist docs package.json

FROM ${NODE_IMAGE}
WORKDIR /app
# A container's own loopback can be reached by nobody; who reaches the port is said by whoever publishes it.
ENV NODE_ENV=production HOST=0.0.0.0
# Everything belongs to root, so that the service cannot change its own code.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/docs ./docs
COPY --from=build /app/dist ./dist
# The user `node` of the base image, by number: Kubernetes cannot tell from a name that it is not root.
USER 1000:1000
EXPOSE 8003
# Node is the first process itself. It ends with 0 on this signal, after SHUTDOWN_DELAY_MS and at most
# SHUTDOWN_GRACE_MS; a plain `docker stop` kills after ten seconds, so it needs `--timeout 60`.
STOPSIGNAL SIGTERM
# Ready rather than live: who waits for this container wants answers, which need the database. Docker restarts
# nothing by it. Where something does, /health/live is the path, or an outage of the database becomes two.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT || 8003}/health/ready`, { signal: AbortSignal.timeout(4000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
