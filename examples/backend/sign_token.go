package main

// #region readme
import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// signToken returns a token for the user who is signed in to your app.
func signToken(userID string) (string, error) {
	secret := os.Getenv("AUTH_JWT_SECRET")
	if secret == "" {
		return "", errors.New("AUTH_JWT_SECRET is not set")
	}
	claims, err := json.Marshal(map[string]any{"sub": userID, "exp": time.Now().Add(15 * time.Minute).Unix()})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	unsigned := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	signature := hmac.New(sha256.New, []byte(secret))
	signature.Write([]byte(unsigned))
	return unsigned + "." + encode(signature.Sum(nil)), nil
}

// #endregion

func main() {
	token, err := signToken(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Print(token)
}
