import { useState } from "react";
import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import { Button } from "@/components/Button";
import { EmptyState, List } from "@/components/List";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { DeleteDialog } from "./DeleteDialog";
import { LIMITS, nameOf, type User } from "./limits";
import { UserDialog } from "./UserDialog";
import { words } from "./words.en";

type Opened = { dialog: "create" } | { dialog: "edit" | "delete"; user: User };

const PAGE = 100;

/** The users of the server, for admins. */
export default function UsersPage() {
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  const list = useList(["users"], async (after, signal) => {
    const query = { limit: PAGE, ...(after && { after }) };
    return fromList(await send(api.GET("/v1/users", { params: { query }, signal })));
  });
  const create = (
    <Button kind="primary" onClick={() => setOpened({ dialog: "create" })}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} intro={words.intro} actions={list.items && create}>
      <List list={list} empty={<EmptyState text={words.empty} />}>
        {(users) => (
          <Table caption={words.title} columns={listColumns(setOpened)} rows={users} keyOf={({ id }) => id} />
        )}
      </List>
      {opened?.dialog === "create" && <UserDialog user={undefined} onClose={close} />}
      {opened?.dialog === "edit" && <UserDialog user={opened.user} onClose={close} />}
      {opened?.dialog === "delete" && <DeleteDialog user={opened.user} onClose={close} />}
    </Page>
  );
}

function listColumns(onOpen: (opened: Opened) => void): Column<User>[] {
  return [
    { label: words.name, render: (user) => <span data-copy={user.id}>{nameOf(user)}</span> },
    { label: words.email, render: ({ email }) => email },
    {
      label: words.role,
      render: ({ is_admin }) => (
        <Pill tone={is_admin ? "info" : "neutral"}>{is_admin ? words.admin : words.ordinary}</Pill>
      ),
    },
    { label: words.limits, render: describeLimits },
    { label: words.created, render: ({ created_at }) => <TimeAgo time={created_at} /> },
    {
      label: words.actions,
      render: (user) => (
        <span>
          <Button
            size="small"
            aria-label={words.editOne(nameOf(user))}
            onClick={() => onOpen({ dialog: "edit", user })}
          >
            {words.edit}
          </Button>{" "}
          <Button
            size="small"
            aria-label={words.deleteOne(nameOf(user))}
            onClick={() => onOpen({ dialog: "delete", user })}
          >
            {words.delete}
          </Button>
        </span>
      ),
    },
  ];
}

function describeLimits({ limits }: User): string {
  const own = LIMITS.filter((name) => limits[name] != null).map(
    (name) => `${name.replaceAll("_", " ")}: ${limits[name]}`,
  );
  return own.join(", ") || words.defaults;
}
