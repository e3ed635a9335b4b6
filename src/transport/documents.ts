import { readFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'
export const documentRoutes: FastifyPluginAsync = async app => {
  void readFile; void swagger; void swaggerUi; void app
}
