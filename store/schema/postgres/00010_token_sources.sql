-- +goose Up
-- An app may take its tokens from a token server that somebody else runs.

alter table app add column token_url bytea;                    -- sealed: it may hold a key
alter table app add column token_path text not null default '';
