/* unsynced.c - makes the program open LMDB without its syncs, so that the power cut tests can show
 * that they see losses. Linked into tidegate-unsynced alone, by --wrap=mdb_env_open.
 */
#include "app/outbox/store.h"

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	return __real_mdb_env_open(env, path, flags | MDB_NOSYNC, mode);
}
