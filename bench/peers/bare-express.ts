/**
 * The peer of `start`: Express, Socket.IO and Mongoose with a person, a chat and a message, and nothing else. It
 * answers `/health` once it is connected and its indexes are there.
 */
import { createServer } from 'node:http'
import express from 'express'
import mongoose, { Schema } from 'mongoose'
import { Server } from 'socket.io'

const { PORT, MONGODB_URI = '' } = process.env

const person = { type: Schema.Types.ObjectId, ref: 'User', required: true }
const User = mongoose.model('User', new Schema({ username: { type: String, required: true, unique: true } }))
const Chat = mongoose.model('Chat', new Schema({ participants: [person] }).index({ participants: 1, updatedAt: -1 }))
const Message = mongoose.model(
  'Message',
  new Schema({ chat: { type: Schema.Types.ObjectId, required: true }, sender: person, text: String }).index({ chat: 1 })
)

const app = express()
app.use(express.json())
app.get('/health', (_request, response) => response.status(200).json({ status: 'ok' }))
const server = createServer(app)
new Server(server).on('connection', () => undefined)

await mongoose.connect(MONGODB_URI)
await Promise.all([User.init(), Chat.init(), Message.init()])
server.listen(Number(PORT), '127.0.0.1')
