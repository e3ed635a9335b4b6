import { Argument, Command, CommanderError } from 'commander'
import { prefixedId } from '../../protocol/ids.ts'
import type { AdminService } from '../admin/index.ts'
import type { Database } from '../database/index.ts'
import { configRows, formatRows } from './config-table.ts'

/** Exit codes of every command; what is done ends with 0. */
const WRONG_USAGE = 2

/** Surroundings of the commands. */
export interface CommandDeps {
  readonly version: string
  /** Reads the `.env` file, where one is read. @returns the names that it has set */
  readonly loadDotEnv: () => ReadonlySet<string>
  /** Opens the database, and the services on it. */
  readonly open: () => Promise<OpenServices>
}

/** Services of a command, until it closes them. */
interface OpenServices {
  readonly admin: AdminService
  readonly database: Pick<Database, 'epoch' | 'renewEpoch'>
  close(): Promise<void>
}

interface Output {
  readonly json?: true
}

/**
 * Runs `parley <command>`. What is wrong about its usage is printed, and sets the exit code 2.
 * @param args without the program
 * @throws what the command fails with
 */
export async function runCommand(args: readonly string[], deps: CommandDeps): Promise<void> {
  try {
    await createProgram(deps).parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
  }
}

function createProgram(deps: CommandDeps): Command {
  const program = new Command('parley')
    .description('The chat server. Without a command it starts.')
    .version(deps.version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .showHelpAfterError()
  addCommand(program, 'config', 'list the configuration in force').action(({ json }: Output) => {
    const rows = configRows(deps.loadDotEnv())
    write(json ? JSON.stringify(rows, null, 2) : formatRows(rows))
  })
  addCommand(program, 'disable', 'disable an account: its sessions and connections end, and nobody signs in to it')
    .argument('<person>', PERSON)
    .action(
      decision(deps, async (admin, id) => {
        await admin.disable(id)
        return { text: 'is disabled', json: { isDisabled: true } }
      })
    )
  addCommand(program, 'enable', 'let a disabled account sign in again')
    .argument('<person>', PERSON)
    .action(
      decision(deps, async (admin, id) => {
        await admin.enable(id)
        return { text: 'is enabled', json: { isDisabled: false } }
      })
    )
  const operators = program.command('admin').description('who may do what an operator may').exitOverride()
  addCommand(operators, 'role', 'give somebody a role; an admin may disable accounts')
    .argument('<person>', PERSON)
    .addArgument(new Argument('<role>', 'the role from now on').choices(['user', 'admin']))
    .action(async (person: string, role: 'user' | 'admin', output: Output) => {
      const giveRole = decision(deps, async (admin, id) => {
        await admin.setRole(id, role === 'admin' ? role : undefined)
        return { text: `has the role ${role}`, json: { role } }
      })
      await giveRole(person, output)
    })
  addCommand(program, 'epoch', 'show the name of the data by which clients know that their cursors count')
    .option('--new', 'renew it, after an older state was restored: every client loads anew')
    .action(async (output: EpochOutput) => await showEpoch(deps, output))
  return program
}

interface EpochOutput extends Output {
  readonly new?: true
}

async function showEpoch({ open }: CommandDeps, { json, new: isNew }: EpochOutput): Promise<void> {
  const { database, close } = await open()
  try {
    const epoch = isNew ? await database.renewEpoch() : database.epoch
    const hint = isNew ? '\nServers that run on these data name it after a restart: restart them now.' : ''
    write(json ? JSON.stringify({ epoch }) : `${epoch}${hint}`)
  } finally {
    await close()
  }
}

const PERSON = 'an id, a username, or a phone number or email that they have proved'

function addCommand(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('--json', 'print JSON').exitOverride()
}

/** Result of a command, in words that follow the person's name, and as fields. */
interface Result {
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** Action that decides something about one person. @param decide told their id, 24 hexadecimal digits */
function decision({ open }: CommandDeps, decide: (admin: AdminService, userId: string) => Promise<Result>) {
  return async (person: string, { json }: Output): Promise<void> => {
    const { admin, close } = await open()
    try {
      const { _id, username, displayName } = await admin.find(person)
      const result = await decide(admin, _id.toHexString())
      const id = prefixedId('user', _id.toHexString())
      write(json ? JSON.stringify({ id, ...result.json }) : `${username ?? displayName} (${id}) ${result.text}`)
    } finally {
      await close()
    }
  }
}

function write(text: string): void {
  process.stdout.write(`${text}\n`)
}
