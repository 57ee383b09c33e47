"""The settings of warehouses, and the wizard by which one is added.

Source: Segment, "Profiles Sync Setup", sections "Settings and maintenance" and "Connect the warehouse".
"""

from fastapi import APIRouter

from profiles_sync.console.settings import adding, basic, connection, selection

router = APIRouter()
for one in (basic, connection, selection, adding):
    router.include_router(one.router)

__all__ = ["router"]
