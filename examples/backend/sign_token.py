# region readme
import os
from datetime import datetime, timedelta, timezone

import jwt  # PyJWT


def sign_token(user_id: str) -> str:
    """A token for the user who is signed in to your app."""
    expires = datetime.now(timezone.utc) + timedelta(minutes=15)
    return jwt.encode({"sub": user_id, "exp": expires}, os.environ["AUTH_JWT_SECRET"], algorithm="HS256")
# endregion


if __name__ == "__main__":
    import sys

    print(sign_token(sys.argv[1]), end="")
