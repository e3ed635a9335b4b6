/**
 * The peer of `send`: the chat server of the fifth document (docs/dialects), as its "Backend Implementation" and
 * "Real-Time Communication" sections give it. Express, Socket.IO and Mongoose; `LAYOUT` chooses where a message goes:
 * `embedded` in its chat, as the document has it, or `documents`, one a message. Groups, which the document leaves
 * for later, are the same handler with a `chatId` and a loop over the participants.
 */
import { createServer } from 'node:http'
import express from 'express'
import { jwtVerify } from 'jose'
import mongoose, { Schema, Types } from 'mongoose'
import { Server, type Socket } from 'socket.io'

const { PORT, MONGODB_URI = '', JWT_SECRET, LAYOUT } = process.env

const MessageSchema = new Schema({
  sender: { type: Types.ObjectId, ref: 'User', required: true },
  text: { type: String, required: true },
  timestamp: { type: Date, default: Date.now },
  seen: { type: Boolean, default: false }
})

const ChatSchema = new Schema(
  {
    participants: [{ type: Types.ObjectId, ref: 'User', required: true }],
    messages: [MessageSchema],
    type: { type: String, enum: ['user_chat', 'admin_support'], default: 'user_chat', index: true },
    relatedEntity: {
      type: { type: String, enum: ['trip_verification', 'support'], default: null },
      refId: { type: Types.ObjectId, default: null }
    },
    status: { type: String, enum: ['open', 'waiting_user', 'resolved'], default: 'open' },
    assignedAdminId: { type: Types.ObjectId, ref: 'SuperAdmin', default: null }
  },
  { timestamps: true }
)
ChatSchema.index({ participants: 1 })
ChatSchema.index({ 'messages.timestamp': -1 })
ChatSchema.index({ updatedAt: -1 })
ChatSchema.index({ participants: 1, updatedAt: -1 })
const Chat = mongoose.model('Chat', ChatSchema)

const OwnMessageSchema = new Schema({
  chat: { type: Types.ObjectId, ref: 'Chat', required: true },
  ...MessageSchema.obj
})
OwnMessageSchema.index({ chat: 1, timestamp: -1 })
const Message = mongoose.model('Message', OwnMessageSchema)

/** Data of a socket once the middleware has run. */
interface SocketData {
  userId: string
}
type AppSocket = Socket<Record<string, never>, Record<string, never>, Record<string, never>, SocketData>
type NewMessage = { sender: string; text: string; timestamp: Date }

const app = express()
app.use(express.json())
app.get('/health', (_request, response) => response.status(200).json({ success: true }))
const server = createServer(app)
const io = new Server(server, { path: '/socket.io', cors: { origin: '*', credentials: true } })
const nsp = io.of('/app')
const onlineUsers = new Map<string, Set<string>>()

function emitToUser(userId: string, event: string, payload: object): void {
  nsp.to(`user:${userId}`).emit(event, payload)
}

async function authenticate(socket: AppSocket, next: (error?: Error) => void): Promise<void> {
  try {
    const { token = '' } = socket.handshake.auth as { token?: string }
    const { payload } = await jwtVerify<{ userId: string }>(token, new TextEncoder().encode(JWT_SECRET))
    const { userId } = payload
    socket.data.userId = userId
    await socket.join(`user:${userId}`)
    const sockets = onlineUsers.get(userId) ?? new Set()
    onlineUsers.set(userId, sockets.add(socket.id))
    emitToUser(userId, 'user:online', { userId })
    next()
  } catch {
    next(new Error('Authentication error'))
  }
}

/** The document's "find or create chat"; a group is found by its id. */
async function findChat(userId: string, to = '', chatId?: string) {
  if (chatId) return await Chat.findOne({ _id: chatId, participants: userId })
  return (
    (await Chat.findOne({ participants: { $all: [userId, to] } })) ??
    (await Chat.create({ participants: [userId, to], messages: [] }))
  )
}

type FoundChat = NonNullable<Awaited<ReturnType<typeof findChat>>>

async function storeMessage(chat: FoundChat, message: NewMessage): Promise<void> {
  if (LAYOUT === 'embedded') {
    chat.messages.push(message)
    await chat.save()
    return
  }
  await Message.create({ chat: chat._id, ...message })
  await Chat.updateOne({ _id: chat._id }, { $set: { updatedAt: message.timestamp } })
}

async function sendMessage(userId: string, data: { to?: string; chatId?: string; text: string }): Promise<void> {
  const chat = await findChat(userId, data.to, data.chatId)
  if (!chat) return
  const message = { sender: userId, text: data.text, timestamp: new Date() }
  await storeMessage(chat, message)
  const others = chat.participants.map(String).filter(id => id !== userId)
  for (const to of others) emitToUser(to, 'message:new', { chatId: chat._id, message })
  emitToUser(userId, 'message:sent', { chatId: chat._id, message })
  const update = { chatId: chat._id, lastMessage: message.text, timestamp: message.timestamp }
  for (const to of others) emitToUser(to, 'chat:update', update)
  emitToUser(userId, 'chat:update', update)
}

function disconnect(socket: AppSocket): void {
  const { userId } = socket.data
  const sockets = onlineUsers.get(userId)
  sockets?.delete(socket.id)
  if (sockets?.size === 0) onlineUsers.delete(userId)
  emitToUser(userId, 'user:offline', { userId })
}

nsp.use((socket, next) => void authenticate(socket as unknown as AppSocket, next))
nsp.on('connection', socket => {
  const { userId } = socket.data as SocketData
  socket.on('sendMessage', data => {
    sendMessage(userId, data).catch((error: unknown) => process.stderr.write(`sendMessage failed: ${error}\n`))
  })
  socket.on('disconnect', () => disconnect(socket as unknown as AppSocket))
})

await mongoose.connect(MONGODB_URI, { writeConcern: { w: 'majority', journal: true } })
await Promise.all([Chat.init(), LAYOUT === 'embedded' ? undefined : Message.init()])
server.listen(Number(PORT), '127.0.0.1')
