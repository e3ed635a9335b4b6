/** Path of the socket.io face. */
export const SOCKET_IO_PATH = '/socket.io/'
