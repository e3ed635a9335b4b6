# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /parley
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json LICENSE README.md ./
COPY protocol protocol
COPY src src
COPY web web
COPY scripts/bundle.js scripts/web.js scripts/
RUN npm run --silent build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
# What the embedded database fetches goes into the volume too, so that a new container does not fetch it again.
ENV NODE_ENV=production PORT=3000 XDG_CACHE_HOME=/data/cache
WORKDIR /parley
# For the embedded database, when DATA_DIR=/data is used instead of MONGODB_URI.
RUN apt-get update && apt-get install -y --no-install-recommends libcurl4 liblzma5 ca-certificates \
  && rm -rf /var/lib/apt/lists/* && mkdir /data && chown node:node /data
COPY --from=build /parley/package.json /parley/LICENSE ./
COPY --from=build /parley/node_modules node_modules
COPY --from=build /parley/dist dist
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, not npm, so that it gets the signals.
CMD ["node", "dist/server/main.js"]
