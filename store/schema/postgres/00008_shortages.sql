-- +goose Up
-- Who wants to be told when permits run out, and of what that was told already.

alter table app add column stock_low bigint not null default 0; -- 0: nobody

-- A kind of permit that an app has had: template_id '' is forms and payments.
create table shortage (
    app         text not null,
    template_id text not null,
    low         smallint not null, -- 1: it was told of, and is not over
    primary key (app, template_id)
);
