-- +goose Up
-- To which trace of the caller's a message belongs, and so what is told of it:
-- trace id and flags of a W3C traceparent; '': none.

alter table message add column trace text not null default '';
alter table notice add column trace text not null default '';
