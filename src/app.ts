import type { FastifyInstance } from 'fastify'
import { addressRoutes } from './accounts/addresses/rest.ts'
import { codeRoutes } from './accounts/codes/rest.ts'
import { createDelivery } from './accounts/delivery/index.ts'
import { NoDelivery } from './accounts/delivery/none.ts'
import type { Delivery } from './accounts/delivery/port.ts'
import { accountCollections, createAccountStores, createAccounts } from './accounts/index.ts'
import { qrRoutes } from './accounts/qr/rest.ts'
import { signInRoutes } from './accounts/rest.ts'
import { createAuthenticator } from './accounts/tokens/authenticator.ts'
import { createAdmin } from './admin/index.ts'
import { adminRoutes } from './admin/rest.ts'
import type { Bus } from './bus/bus.ts'
import { MemoryBus } from './bus/memory.ts'
import type { Config } from './config/config.ts'
import { conversationCommands } from './conversations/commands.ts'
import { createConversations } from './conversations/index.ts'
import { conversationRoutes } from './conversations/rest.ts'
import { type Availability, exceptOutages } from './database/availability.ts'
import { connect, openDatabase } from './database/index.ts'
import { createDialects, describeDialects, dialectRoutes } from './dialects/index.ts'
import type { Dialect, DialectDeps } from './dialects/kit/dialect.ts'
import { authenticateRequests } from './faces/http/authentication.ts'
import { closeInOrder, endConnections } from './faces/http/closing.ts'
import { createRequestLimits, holdRefusals } from './faces/http/rate-limits.ts'
import { contractRoutes } from './faces/http/routes.ts'
import { acceptUpgrades, createServer } from './faces/http/server.ts'
import { LazySocketIoServer } from './faces/socketio/lazy-server.ts'
import { proveByRequests, streamRoutes } from './faces/sse/routes.ts'
import { StreamServer } from './faces/sse/server.ts'
import { SocketServer } from './faces/ws/server.ts'
import { createJobs, type Jobs } from './jobs/index.ts'
import { Budgets } from './limits/budgets.ts'
import { FairGate } from './limits/fair-gate.ts'
import { createMedia, createMediaStores, createStorage, declareFileJobs, mediaCollections } from './media/index.ts'
import { fileRoutes, nameFiles } from './media/rest.ts'
import { messageCommands } from './messages/commands.ts'
import { createMessageStores, createMessages, messageCollections } from './messages/index.ts'
import { messageRoutes } from './messages/rest.ts'
import { documentRoutes } from './ops/api-docs/rest.ts'
import { HealthService } from './ops/health.ts'
import { createMetrics } from './ops/lazy-metrics.ts'
import { operationRoutes } from './ops/rest.ts'
import { sourcesOf } from './ops/sources.ts'
import { startPageRoutes } from './ops/start-page/rest.ts'
import { presenceRoutes } from './presence/index.ts'
import { fileLinks } from './present/file-links.ts'
import { connectionCommands } from './realtime/commands/connection-commands.ts'
import { Dispatcher } from './realtime/commands/dispatcher.ts'
import type { RealtimeDialect } from './realtime/encoding/dialect-encoder.ts'
import { createRealtime, type Realtime } from './realtime/index.ts'
import { createRequestStores, createRequests, requestCollections } from './requests/index.ts'
import { requestRoutes } from './requests/rest.ts'
import { searchCommands } from './search/commands.ts'
import { createSearch, createSearchStores, searchCollections } from './search/index.ts'
import { searchRoutes } from './search/rest.ts'
import { cleanStaleTransactions } from './store/commit/stale-transactions.ts'
import { coreCollections, createCoreStores } from './store/index.ts'
import { createStreamStores, streamCollections } from './streams/index.ts'
import { syncCommands } from './sync/commands.ts'
import { createSync, createSyncStores, syncCollections } from './sync/index.ts'
import { createUserStores, createUsers, userCollections, userMigrations } from './users/index.ts'
import { userRoutes } from './users/rest.ts'

export type AppConfig = Config & { MONGODB_URI: string; JWT_SECRET: string[] }

/** Where the build puts what browsers get: beside the server, in a bundle or not. */
const WEB = new URL('../web/', import.meta.url)

/** Interval at which one server ends transactions that killed servers have left open, ms. */
const STALE_TRANSACTIONS_MS = 5_000

const COLLECTIONS = {
  ...streamCollections,
  ...coreCollections,
  ...userCollections,
  ...accountCollections,
  ...requestCollections,
  ...mediaCollections,
  ...messageCollections,
  ...searchCollections,
  ...syncCollections
}

/** A connection to MongoDB. */
type Connection = Awaited<ReturnType<typeof connect>>

/**
 * Starts one server: the database, then the subjects, then the faces. The app listens when it is told to.
 * @param connection to the database, where there is one already
 */
export async function buildApp(config: AppConfig, connection?: Connection): Promise<FastifyInstance> {
  const stores = await openStores(config, connection)
  const { availability, epoch } = stores.database
  const app = createServer(config, availability)
  availability.log = app.log
  const onError = exceptOutages(err => app.log.error({ err }, 'Something failed in the background'))
  const shared = { config, availability, onError }
  const bus = new MemoryBus()
  const delivery = await createDelivery(config, app.log)
  nameFiles(app, config)
  const jobs = createJobs({ ...stores, onError, timings: { leaseMs: config.timings.leaseMs } })
  const subjects = createSubjects({ stores, bus, config, delivery, jobs, onError })
  const { headPoller } = declareJobs(jobs, { stores, subjects, config })
  const loadSigners = async () => await (await import('./faces/http/signers.ts')).createSigners(config.JWT_SECRET)
  const authenticator = createAuthenticator({ loadSigners, config, ...subjects })
  const authenticate = async (token: string) => await authenticator.authenticate(token)
  const realtime = createRealtime({ ...subjects, ...shared, bus, authenticate, epoch })
  const openStream: DialectDeps['openStream'] = async (reply, dialect) =>
    await faces.streams.open(reply.request, reply, dialect)
  const dialects = createDialects({ services: subjects, authenticator, config, openStream })
  const faces = createFaces(app, { ...realtime, ...shared, subjects, dialects: dialects.map(it => it.realtime) })
  await acceptUpgrades(app, { ...faces, ...realtime, config, dialectNames: dialects.map(({ name }) => name) })
  holdRefusals(app, config.timings.heldRefusalMs)
  authenticateRequests(app, authenticator, await createRequestLimits(app, subjects.budgets, config))
  proveByRequests(app, faces.streams)
  await servePages(app, dialects, config)
  await app.register(contractRoutes, { prefix: '/v1', routes: routesOf({ ...subjects, authenticator }) })
  await app.register(operationRoutes, {
    loadMetrics: createMetrics(sourcesOf({ app, ...realtime, ...faces, stores, subjects, jobs }), onError),
    metricsToken: config.METRICS_TOKEN,
    isMetricsLocal: config.NODE_ENV === 'production',
    isDraining: () => realtime.drain.hasBegun,
    probe: new HealthService({ database: stores.database, headPoller }).probe
  })
  await app.register(faces.socket.routes)
  await app.register(streamRoutes, faces)
  await app.register(dialectRoutes, { dialects })
  await jobs.start()
  closeInOrder(app, { ...subjects, stores, realtime, delivery, jobs })
  endConnections(app, config.timings.requestFinishMs)
  return app
}

/** Declares the work in the background. */
function declareJobs(jobs: Jobs, { stores, subjects, config }: JobDeps) {
  const everyMs = config.timings.sightingMs
  declareFileJobs(jobs, subjects)
  jobs.everyServer({ name: 'sightings', everyMs, run: async () => await subjects.presence.keepSightings() })
  jobs.oneServer({ name: 'stale-transactions', everyMs: STALE_TRANSACTIONS_MS, run: stores.cleanStaleTransactions })
  jobs.work(subjects.sendScheduled)
  for (const job of [subjects.removal, subjects.sealing]) jobs.oneServer(job)
  return { headPoller: jobs.everyServer(subjects.headPoller) }
}

interface JobDeps {
  readonly stores: Stores
  readonly subjects: Subjects
  readonly config: Pick<AppConfig, 'timings'>
}

/** Serves what is for people who look at the server, and for makers of clients. */
async function servePages(app: FastifyInstance, dialects: readonly Dialect[], { NODE_ENV }: AppConfig): Promise<void> {
  await app.register(documentRoutes, { dialects: describeDialects(dialects), web: WEB })
  await app.register(startPageRoutes, { web: WEB, hasPeople: NODE_ENV !== 'production' })
}

export type Stores = Awaited<ReturnType<typeof openStores>>

/** Opens the database, and makes the stores of every subject. */
export async function openStores(config: Omit<AppConfig, 'JWT_SECRET'>, connection?: Connection) {
  const database = await openDatabase(connection ?? (await connect(config)), COLLECTIONS, userMigrations)
  const streams = createStreamStores(database)
  const core = createCoreStores(database, streams.accounts, config.COMMIT_LANES)
  return {
    ...streams,
    ...core,
    ...createUserStores(database),
    ...createAccountStores(database),
    ...createRequestStores(database),
    ...createMediaStores(database),
    ...createMessageStores(database),
    ...createSyncStores(database),
    storage: await createStorage(config),
    ...createSearchStores(database),
    database,
    cleanStaleTransactions: async () => await cleanStaleTransactions(database.client, STALE_TRANSACTIONS_MS),
    close: async () => {
      await core.commits.settled()
      await database.close()
    }
  }
}

/** Opens what a command works on: the subjects without faces, jobs and deliveries. */
export async function openSubjects(config: AppConfig, connection?: Connection) {
  const stores = await openStores(config, connection)
  const onError = (error: unknown): void => void process.stderr.write(`${String(error)}\n`)
  const deps = {
    stores,
    bus: new MemoryBus(),
    config,
    delivery: new NoDelivery(),
    onError,
    jobs: createJobs({ ...stores, onError })
  }
  return { ...createSubjects(deps), database: stores.database, close: stores.close }
}

/**
 * Pages of history and of lists, and of what event streams and clients without cursors have missed, that are read at
 * once, of all and of each person; and calls that wait. Few, so that many who come back take no more memory than these.
 */
const PAGES = { width: 4, widthEach: 1, maxWaiting: 20_000, maxWaitingEach: 200 }

interface SubjectDeps {
  readonly stores: Stores
  readonly bus: Bus
  readonly config: Config & { readonly JWT_SECRET: readonly string[] }
  readonly delivery: Delivery
  readonly jobs: Pick<Jobs, 'enqueue' | 'withdraw'>
  readonly onError: (error: unknown) => void
}

/** Rules of Parley: what may be done, by whom, and what it changes. */
export type Subjects = ReturnType<typeof createSubjects>

/** Makes the subjects, each on those above it, and lets the bus hear of every commit. */
export function createSubjects({ stores: store, bus, config, delivery, jobs, onError }: SubjectDeps) {
  const budgets = new Budgets(config.limits)
  const base = {
    store,
    clock: store.database.clock,
    bus,
    config,
    budgets,
    pageGate: new FairGate({ ...PAGES, requireReady: async () => await store.database.availability.require() }),
    onError
  }
  const people = createUsers(base)
  const accounts = createAccounts({ ...base, ...people, delivery })
  const conversations = createConversations({ ...base, ...people })
  const requests = createRequests({ ...base, ...people, ...conversations })
  const media = createMedia({ ...base, ...people, storage: store.storage, links: fileLinks })
  const messages = createMessages({ ...base, ...people, ...conversations, ...media, jobs })
  const search = createSearch({ ...base, ...people, ...conversations })
  const items = {
    ...people.userItems,
    ...accounts.accountItems,
    ...conversations.conversationItems,
    ...requests.requestItems,
    ...messages.messageItems
  }
  const sync = createSync({ ...base, ...conversations, items, headPollMs: config.timings.headPollMs })
  sync.headPoller.subscribe(({ accounts: changed, endedSessionIds, disabledUserIds }) => {
    people.settings.forget(changed.map(({ id }) => id))
    for (const id of disabledUserIds) people.users.forget(id)
    for (const id of endedSessionIds) accounts.sessions.forget(id)
  })
  const { admin } = createAdmin({ ...base, ...accounts })
  const own = { ...people, ...accounts, ...conversations, ...requests, ...media, ...messages, ...search, ...sync }
  return { ...own, admin, budgets }
}

type RoutedSubjects = Subjects & { readonly authenticator: ReturnType<typeof createAuthenticator> }

/** Routes of the canonical API. */
function routesOf(subjects: RoutedSubjects) {
  return [
    ...signInRoutes(subjects),
    ...codeRoutes(subjects),
    ...addressRoutes(subjects.addresses),
    ...qrRoutes(subjects),
    ...userRoutes(subjects),
    ...presenceRoutes(subjects),
    ...requestRoutes(subjects),
    ...conversationRoutes(subjects),
    ...messageRoutes(subjects),
    ...fileRoutes(subjects),
    ...searchRoutes(subjects),
    ...adminRoutes(subjects.admin)
  ]
}

interface FaceDeps extends Realtime {
  readonly subjects: Subjects
  readonly config: AppConfig
  readonly dialects: readonly RealtimeDialect[]
  readonly availability: Availability
  readonly onError: (error: unknown) => void
}

/** The faces that keep connections open. */
function createFaces(app: FastifyInstance, { subjects, ...deps }: FaceDeps) {
  const commands = new Dispatcher().add([
    ...connectionCommands({ ...deps, ...subjects }),
    ...conversationCommands(subjects),
    ...messageCommands(subjects),
    ...searchCommands(subjects),
    ...syncCommands(subjects)
  ])
  const shared = { ...deps, proxies: app.proxies, origins: app.origins, budgets: subjects.budgets }
  const socket = new SocketServer({ ...shared, commands })
  return {
    socket,
    streams: new StreamServer({ ...shared, ...subjects }),
    packets: new LazySocketIoServer(app.server, shared)
  }
}
