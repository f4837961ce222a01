export * from './client';
export * from './generated';
export * from './generated-cache';
